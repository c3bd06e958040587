"""What the pages' forms let through, and what they make of it."""

from typing import Any

import pytest

from calls import forms
from calls.forms import FileForm, HistoryForm, PlaceForm, TextForm, ToneForm, voices
from calls.profiles import Capture, StreamingProfile
from calls.recognisers import POCKETSPHINX
from calls.services import PlayTone, SayText
from tests.calls.scene import upload


def test_a_place_form_becomes_a_streaming_profile() -> None:
    form = PlaceForm(
        {"callee": "+14255550123", "channel_type": "mixed", "sample_rate_hz": "24000", "start": "later", "dtmf": "on"}
    )
    assert form.is_valid(), form.errors
    assert form.profile() == StreamingProfile("mixed", 24000, bidirectional=False, dtmf=True, start="later")


def test_a_place_form_says_what_is_kept(settings: Any) -> None:
    fields = {"callee": "+14255550123", "channel_type": "mixed", "sample_rate_hz": "24000", "start": "now"}
    form = PlaceForm({**fields, "recorded": "on", "recogniser": POCKETSPHINX})
    assert form.is_valid(), form.errors
    assert form.capture() == Capture(POCKETSPHINX, recording_start="now")
    form = PlaceForm(fields)
    assert form.is_valid(), form.errors
    assert form.capture() == Capture()
    assert "recogniser" in PlaceForm({**fields, "recogniser": "os.system"}).errors
    settings.SPEECH_RECOGNISER_DEFAULT, settings.RECORDING_START_DEFAULT = POCKETSPHINX, "now"
    blank = PlaceForm()
    assert (blank["recorded"].initial, blank["recogniser"].initial) == (True, POCKETSPHINX)


def test_a_rate_that_azure_does_not_know_is_refused() -> None:
    form = PlaceForm({"callee": "+14255550123", "channel_type": "mixed", "sample_rate_hz": "44100", "start": "now"})
    assert "sample_rate_hz" in form.errors


def test_a_text_becomes_words_with_voice_and_speed() -> None:
    form = TextForm({"text": "Hello", "voice": voices()[0][0], "speed_wpm": "200"})
    assert form.is_valid(), form.errors
    assert form.sound() == SayText("Hello", voices()[0][0], 200)
    assert form.options() == {"gain_db": 0.0, "loop": False}


@pytest.mark.parametrize(
    "fields", [{"text": ""}, {"text": "x" * 2_001}, {"text": "x", "voice": "nobody"}, {"text": "x", "gain_db": "21"}]
)
def test_a_text_that_cannot_be_said_is_refused(fields: dict[str, str]) -> None:
    assert not TextForm(fields).is_valid()


def test_a_tone_keeps_to_what_can_be_heard() -> None:
    form = ToneForm({"tone_hz": "440", "duration_ms": "1000"})
    assert form.is_valid()
    assert form.sound() == PlayTone(440, 1_000)
    assert not ToneForm({"tone_hz": "8000", "duration_ms": "1000"}).is_valid()


def test_a_file_form_needs_a_file() -> None:
    assert not FileForm({}, {}).is_valid()
    assert FileForm({}, {"audio": upload()}).is_valid()


def test_the_default_voice_comes_first(settings: Any) -> None:
    assert voices()[0][0] == settings.SPEECH_VOICE
    assert len(voices()) > 1


def test_without_a_speech_engine_only_the_default_voice_is_offered(settings: Any) -> None:
    settings.SPEECH_ENGINE = "streaming.engines.nothing.Nobody"
    forms.voices.cache_clear()
    try:
        assert voices() == [(settings.SPEECH_VOICE, settings.SPEECH_VOICE)]
    finally:
        forms.voices.cache_clear()


def test_ids_of_two_forms_on_one_page_differ() -> None:
    assert TextForm()["gain_db"].id_for_label != ToneForm()["gain_db"].id_for_label


def test_a_day_of_the_history_is_whole() -> None:
    form = HistoryForm({"since": "2026-11-20", "until": "2026-11-20"})
    assert form.is_valid()
    since, until = form.days()
    assert since is not None
    assert until is not None
    assert (until - since).total_seconds() == pytest.approx(86_400, abs=1)
