from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.exceptions import ValidationError

from calls.api.bodies import NothingBody, PlaceBody, SoundBody, SoundFileBody, sound_in
from calls.profiles import StreamingProfile
from calls.services import PlayClip, PlayFile, PlayTone, SayText

CLIP = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")


def read(content: object, body: type[SoundBody] = SoundBody) -> dict[str, object]:
    given = body(data=content)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


@pytest.mark.parametrize(
    ("content", "sound"),
    [
        ({"text": "Hello."}, SayText("Hello.")),
        ({"text": "Hello.", "voice": "en-gb", "speed_wpm": 200}, SayText("Hello.", "en-gb", 200)),
        ({"text": "Hello.", "voice": None, "clip": None, "speed_wpm": None}, SayText("Hello.")),
        ({"tone_hz": 440}, PlayTone(440, 1_000)),
        ({"tone_hz": 440, "duration_ms": 20}, PlayTone(440, 20)),
        ({"clip": str(CLIP)}, PlayClip(CLIP)),
    ],
)
def test_a_body_names_one_sound(content: object, sound: object) -> None:
    assert sound_in(read(content)) == sound


def test_a_file_is_a_sound() -> None:
    upload = SimpleUploadedFile("a.wav", b"RIFF")
    assert sound_in(read({"audio": upload}, SoundFileBody)) == PlayFile(upload)


def test_gain_and_loop_have_defaults() -> None:
    assert read({"tone_hz": 440}) == {"tone_hz": 440, "gain_db": 0.0, "loop": False}
    assert read({"tone_hz": 440, "gain_db": -6, "loop": True}) == {"tone_hz": 440, "gain_db": -6.0, "loop": True}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({}, {"non_field_errors"}),
        ({"text": None}, {"non_field_errors"}),
        ({"text": "a", "tone_hz": 440}, {"non_field_errors"}),
        ({"text": ""}, {"text"}),
        ({"text": "a" * 2_001}, {"text"}),
        ({"text": "a\0b"}, {"text"}),
        ({"text": "a", "duration_ms": 100}, {"duration_ms"}),
        ({"tone_hz": 440, "voice": "en", "speed_wpm": 100}, {"voice", "speed_wpm"}),
        ({"tone_hz": 19}, {"tone_hz"}),
        ({"tone_hz": 440.5}, {"tone_hz"}),
        ({"tone_hz": 440, "duration_ms": 600_001}, {"duration_ms"}),
        ({"tone_hz": 440, "gain_db": 21}, {"gain_db"}),
        ({"tone_hz": 440, "gain_db": "nan"}, {"gain_db"}),
        ({"tone_hz": 440, "gain_db": 10**400}, {"gain_db"}),
        ({"tone_hz": 440, "loop": "perhaps"}, {"loop"}),
        ({"clip": "hold"}, {"clip"}),
        ({"clip": -1}, {"clip"}),
        ({"tone_hz": 440, "volume": 3}, {"volume"}),
        ({"audio": "hold.wav"}, {"audio"}),
    ],
)
def test_what_is_no_sound_is_refused_by_name(content: object, fields: set[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        read(content)
    assert isinstance(refused.value.detail, dict)
    assert set(refused.value.detail) == fields


def test_a_file_in_json_is_refused() -> None:
    with pytest.raises(ValidationError, match="audio"):
        read({"audio": "hold.wav"}, SoundFileBody)


def test_a_profile_takes_the_defaults_for_what_is_left_out() -> None:
    body = PlaceBody(data={"callee": "+14255550123", "streaming": {"channel_type": "mixed", "sample_rate_hz": 24000}})
    body.is_valid(raise_exception=True)
    assert body.validated_data["streaming"] == StreamingProfile("mixed", 24000)


@pytest.mark.parametrize("profile", ["mixed", [], {"dtmf": "yes"}, {"sample_rate_hz": "16000"}])
def test_a_profile_that_cannot_be_used_is_refused(profile: object) -> None:
    assert not PlaceBody(data={"callee": "+14255550123", "streaming": profile}).is_valid()


def test_an_order_without_a_body_takes_none() -> None:
    assert NothingBody(data={}).is_valid()
    assert not NothingBody(data={"reason": "busy"}).is_valid()
