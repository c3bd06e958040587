import base64

import numpy as np

from acsportal.emulator.media.mixer import Mixer
from acsportal.emulator.media.tracks import Sound, Track, Voice, render


def track(level: float, seconds: float = 0.1, loop: bool = False) -> Track:
    wave = np.full(round(seconds * 16000), level, dtype=np.float32)
    return render([Voice.of(Sound(wave, 16000), loop)], 16000)


def first_sample(content: bytes) -> int:
    return int(np.frombuffer(base64.b64decode(content), "<i2")[0])


def test_unmixed_gives_each_participant_a_frame_silent_ones_too() -> None:
    mixer = Mixer(16000, unmixed=True)
    mixer.join("a")
    mixer.join("b")
    mixer.add("a", track(0.5), 0)
    speaking, silent = mixer.frames(0)
    assert (speaking.raw_id, speaking.silent, first_sample(speaking.content)) == ("a", False, 16384)
    assert (silent.raw_id, silent.silent, base64.b64decode(silent.content)) == ("b", True, bytes(640))


def test_mixed_is_one_stream_without_a_participant() -> None:
    mixer = Mixer(16000, unmixed=False)
    mixer.join("a")
    mixer.add("a", track(0.25), 0)
    mixer.add("b", track(0.25), 0)
    (frame,) = mixer.frames(0)
    assert frame.raw_id is None
    assert first_sample(frame.content) == 16384


def test_mixed_with_nobody_talking_is_silence() -> None:
    (frame,) = Mixer(24000, unmixed=False).frames(7)
    assert frame.silent
    assert len(base64.b64decode(frame.content)) == 960


def test_speech_that_starts_later_is_laid_over_what_is_said() -> None:
    mixer = Mixer(16000, unmixed=True)
    mixer.add("a", track(0.25, loop=True), 0)
    mixer.add("a", track(0.5, seconds=0.04), 10)
    samples = [first_sample(mixer.frames(tick)[0].content) for tick in (9, 10, 11, 12)]
    assert samples == [8192, 24576, 24576, 8192]


def test_of_more_than_four_speakers_the_four_loudest_are_sent() -> None:
    mixer = Mixer(16000, unmixed=True)
    for raw_id, level in (("a", 0.1), ("b", 0.5), ("c", 0.2), ("d", 0.3), ("e", 0.4)):
        mixer.join(raw_id)
        mixer.add(raw_id, track(level, loop=True), 0)
    assert [frame.raw_id for frame in mixer.frames(50)] == ["b", "c", "d", "e"]


def test_who_leaves_has_no_stream_any_more() -> None:
    mixer = Mixer(16000, unmixed=True)
    mixer.join("a")
    mixer.join("b")
    mixer.leave("a")
    assert [frame.raw_id for frame in mixer.frames(0)] == ["b"]


def test_who_leaves_a_mixed_stream_is_not_in_it_any_more() -> None:
    mixer = Mixer(16000, unmixed=False)
    mixer.add("a", track(0.25, loop=True), 0)
    mixer.add("b", track(0.5, loop=True), 0)
    mixer.leave("b")
    assert first_sample(mixer.frames(0)[0].content) == 8192


def test_the_silenced_are_not_heard_and_their_time_goes_on() -> None:
    mixer = Mixer(16000, unmixed=True)
    mixer.add("a", track(0.25, seconds=0.06), 0)
    mixer.silence(frozenset({"a"}))
    assert mixer.frames(0)[0].silent
    mixer.silence(frozenset())
    assert [mixer.frames(tick)[0].silent for tick in (2, 3)] == [False, True]


def test_a_mixed_conversation_is_split_so_that_one_of_it_can_be_silenced() -> None:
    mixer = Mixer(16000, unmixed=False)
    mixer.add(None, track(0.75, loop=True), 5)
    mixer.split({"a": track(0.25, loop=True), "b": track(0.5, loop=True)})
    mixer.silence(frozenset({"a"}))
    assert [first_sample(mixer.frames(tick)[0].content) for tick in (4, 5)] == [0, 16384]
