import io
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from calls.commands import PlaySound, StopSound, group_of, read
from calls.errors import BadInput, CallStateError, NotFound, TooLarge, UnsupportedAudio
from calls.models import Call, CallEvent, Clip, Injection, StreamSession
from calls.services import PlayClip, PlayFile, PlayTone, SayText, add_clip, delete_clip, inject, stop_sound
from calls.services.actor import Actor
from calls.services.sound import (
    HIGHEST_RATE_HZ,
    LOWEST_RATE_HZ,
    MAX_WAITING,
    Sound,
    injection_accepted,
    injection_over,
    injection_rendered,
    injection_started,
    inspect,
    sound_stopped,
)
from streaming import audio
from tests.calls.ear import Ear

ANA = Actor("user", "ana")


@pytest.fixture
def call(transactional_db: None) -> Call:
    call = Call.objects.create(
        direction="inbound", state="connected", connected_at=timezone.now(), streaming_state="streaming"
    )
    CallEvent.objects.create(call=call, source="callback", type="CallConnected", event_time=timezone.now())
    return call


@pytest.fixture
def stream(call: Call) -> StreamSession:
    return StreamSession.objects.create(call=call, owner="process 1", channel_type="unmixed")


def upload(seconds: float = 0.5, file_format: str = "WAV", channels: int = 1, rate_hz: int = 8000) -> Any:
    content = io.BytesIO()
    samples = np.zeros((round(seconds * rate_hz), channels), dtype=np.float32)
    soundfile.write(content, samples, rate_hz, format=file_format)
    return SimpleUploadedFile(f"../../my sound.{file_format.lower()}", content.getvalue())


def test_an_order_reaches_the_process_that_holds_the_newest_socket(call: Call, stream: StreamSession) -> None:
    ear, live = Ear(group_of(stream.pk)), Ear()
    injection = inject(ANA, call, SayText(" Hello ", "en-gb", 150), gain_db=-6, loop=True)
    [message] = ear.messages()
    assert read(message) == PlaySound(
        str(injection.pk), "text", "Hello", text="Hello", voice="en-gb", speed_wpm=150, gain_db=-6, loop=True
    )
    [event] = live.events()
    assert (event["kind"], event["injection"]["state"], event["injection"]["label"]) == (
        "injection_state",
        "queued",
        "Hello",
    )
    assert (injection.asked_by, injection.state) == ("ana", "queued")


def test_a_tone_a_clip_and_a_file_become_orders(call: Call, stream: StreamSession) -> None:
    ear = Ear(group_of(stream.pk))
    clip = add_clip(ANA, "Welcome", upload(file_format="FLAC"))
    for sound in (PlayTone(440, 500), PlayClip(clip.pk), PlayFile(upload())):
        inject(ANA, call, sound)
    tone, stored, sent = (read(message) for message in ear.messages())
    assert isinstance(tone, PlaySound)
    assert (tone.tone_hz, tone.tone_ms, tone.label) == (440, 500, "Tone 440 Hz")
    assert isinstance(stored, PlaySound)
    assert (stored.label, stored.file) == ("Welcome", clip.audio.name)
    assert isinstance(sent, PlaySound)
    assert sent.file.startswith("injections/")
    assert "my sound" not in sent.file
    assert default_storage.exists(sent.file)
    assert Injection.objects.get(kind="file").name == "my sound.wav"


@pytest.mark.parametrize(
    ("sound", "field"),
    [
        (SayText("  "), "text"),
        (SayText("x" * 2001), "text"),
        (SayText("x", speed_wpm=79), "speed_wpm"),
        (SayText("x", voice="v" * 65), "voice"),
        (PlayTone(19), "tone_hz"),
        (PlayTone(7901), "tone_hz"),
        (PlayTone(440, 19), "duration_ms"),
        (PlayTone(440, 600_001), "duration_ms"),
    ],
)
def test_what_cannot_be_played_is_refused_by_field(call: Call, stream: StreamSession, sound: Sound, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        inject(ANA, call, sound)
    assert field in caught.value.fields
    assert Injection.objects.count() == 0


@pytest.mark.parametrize("gain_db", [-40.1, 20.1, float("nan"), float("inf")])
def test_a_gain_out_of_range_is_refused(call: Call, stream: StreamSession, gain_db: float) -> None:
    with pytest.raises(BadInput) as caught:
        inject(ANA, call, PlayTone(440), gain_db=gain_db)
    assert "gain_db" in caught.value.fields


def test_a_clip_that_is_gone_is_not_found(call: Call, stream: StreamSession) -> None:
    with pytest.raises(NotFound):
        inject(ANA, call, PlayClip(uuid4()))


def test_a_call_without_open_socket_cannot_be_spoken_into(call: Call) -> None:
    with pytest.raises(CallStateError, match="No media socket is open"):
        inject(ANA, call, PlayTone(440))
    with pytest.raises(CallStateError, match="No media socket is open"):
        stop_sound(ANA, call)
    assert Injection.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bidirectional": False}, "This stream is one way"),
        ({"streaming_state": "off"}, "Start streaming first"),
        ({"state": "ended"}, "The call has ended"),
        ({"state": "connecting"}, "not connected yet"),
    ],
)
def test_a_call_that_cannot_hear_us_says_why(
    call: Call, stream: StreamSession, fields: dict[str, Any], reason: str
) -> None:
    Call.objects.update(**fields)
    for verb in (lambda: inject(ANA, call, PlayTone(440)), lambda: stop_sound(ANA, call)):
        with pytest.raises(CallStateError, match=reason):
            verb()


def test_the_queue_of_a_call_is_bounded(call: Call, stream: StreamSession) -> None:
    Injection.objects.bulk_create(Injection(call=call, kind="tone", asked_by="ana") for _ in range(MAX_WAITING))
    with pytest.raises(CallStateError, match="sounds wait for this call already"):
        inject(ANA, call, PlayTone(440))


def test_a_sounds_life_is_written_by_its_owner_and_told(call: Call, stream: StreamSession) -> None:
    injection = inject(ANA, call, PlayTone(440))
    ear = Ear()
    assert injection_accepted(injection.pk)
    assert injection_rendered(injection.pk, 1000)
    assert injection_started(injection.pk)
    assert injection_over(injection.pk, "done", 1000)
    shown = [each["injection"] for each in ear.events()]
    assert [each["state"] for each in shown] == ["queued", "queued", "playing", "done"]
    assert (shown[-1]["duration_ms"], shown[-1]["played_ms"], shown[-1]["error"]) == (1000, 1000, None)
    assert all(shown[-1][name] for name in ("accepted_at", "started_at", "ended_at"))


def test_a_sound_that_is_over_stays_as_it_ended(call: Call, stream: StreamSession) -> None:
    injection = inject(ANA, call, PlayTone(440))
    assert injection_accepted(injection.pk)
    assert not injection_accepted(injection.pk), "one process only"
    assert injection_over(injection.pk, "stopped", 300, "x", "why")
    assert not injection_started(injection.pk)
    assert not injection_over(injection.pk, "done", 999)
    assert not injection_over(uuid4(), "done", 1)
    injection.refresh_from_db()
    assert (injection.state, injection.played_ms, injection.error_code) == ("stopped", 300, "x")


def test_stopping_is_an_order_that_its_owner_confirms(call: Call, stream: StreamSession) -> None:
    ear = Ear(group_of(stream.pk))
    command = stop_sound(ANA, call)
    assert [read(message) for message in ear.messages()] == [StopSound(str(command.pk))]
    assert command.state == "queued"
    sound_stopped(command.pk)
    command.refresh_from_db()
    assert (command.state, command.accepted_at is not None) == ("done", True)


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_clip_says_what_it_is(file_format: str, db: None) -> None:
    clip = add_clip(ANA, f" {file_format} ", upload(1.0, file_format, channels=2, rate_hz=44100))
    assert (clip.name, clip.sample_rate_hz, clip.channels, clip.added_by) == (file_format, 44100, 2, "ana")
    assert clip.duration_ms == pytest.approx(1000, abs=60)
    assert clip.size == default_storage.size(clip.audio.name or "")
    assert clip.audio.name == f"clips/{clip.pk}.{file_format.lower()}"


def test_a_wav_of_many_channels_or_bits_is_a_wav(db: None) -> None:
    for file_format in ("WAVEX", "RF64"):
        assert (add_clip(ANA, file_format, upload(1.0, file_format)).audio.name or "").endswith(".wav")


def test_a_clips_name_is_one_line(db: None) -> None:
    assert add_clip(ANA, "Please\n  wait\t", upload()).name == "Please wait"


def test_a_clips_name_is_needed_and_unique(db: None) -> None:
    add_clip(ANA, "Welcome", upload())
    for name in ("Welcome", "", " ", "x" * 81):
        with pytest.raises(BadInput) as caught:
            add_clip(ANA, name, upload())
        assert "name" in caught.value.fields
    assert Clip.objects.count() == 1


def test_a_deleted_clip_leaves_no_file(transactional_db: None) -> None:
    clip = add_clip(ANA, "Welcome", upload())
    name = clip.audio.name or ""
    delete_clip(ANA, clip)
    assert not default_storage.exists(name)


def test_a_file_that_is_no_sound_is_refused() -> None:
    for content in (b"", b"RIFF", b"hello" * 1000, b"\0" * 5000):
        with pytest.raises(UnsupportedAudio):
            inspect(SimpleUploadedFile("x.wav", content))
    with pytest.raises(UnsupportedAudio, match="The file is AIFF"):
        inspect(upload(file_format="AIFF"))
    with pytest.raises(UnsupportedAudio, match="no sound"):
        inspect(upload(seconds=0))


@pytest.mark.parametrize("rate_hz", [1, 999, 768_001])
def test_a_rate_that_cannot_be_played_is_refused_at_the_door(rate_hz: int) -> None:
    with pytest.raises(UnsupportedAudio, match=f"a rate of {rate_hz} Hz"):
        inspect(upload(seconds=200 / rate_hz, rate_hz=rate_hz))
    assert (LOWEST_RATE_HZ, HIGHEST_RATE_HZ) == (audio.LOWEST_RATE_HZ, audio.HIGHEST_RATE_HZ)


def test_a_file_that_does_not_say_how_long_it_is_is_refused_with_the_remedy() -> None:
    content = bytearray(upload(file_format="FLAC").read())
    content[21] &= 0xF0  # the length: 36 bits, which a program leaves zero that writes to a pipe
    content[22:26] = bytes(4)
    with pytest.raises(UnsupportedAudio, match="does not say how long it is"):
        inspect(SimpleUploadedFile("streamed.flac", bytes(content)))


def test_a_file_that_is_too_long_is_refused() -> None:
    with pytest.raises(TooLarge, match="lasts more than 10 minutes"):
        inspect(upload(seconds=601, file_format="FLAC", rate_hz=8000))
    large = upload()
    large.size = 51 * 1024 * 1024
    with pytest.raises(TooLarge, match="53 MB"):
        inspect(large)
