import base64
import io

import numpy as np
import pytest
import soundfile

from acsportal.emulator.media.tracks import BadSoundError, Sound, Voice, decode, render


def ones(seconds: float, rate_hz: int = 16000, level: float = 0.5) -> Sound:
    return Sound(np.full(round(seconds * rate_hz), level, dtype=np.float32), rate_hz)


@pytest.mark.parametrize(("rate_hz", "size"), [(16000, 640), (24000, 960)])
def test_frames_are_twenty_milliseconds_of_base64_pcm16(rate_hz: int, size: int) -> None:
    track = render([Voice.of(ones(0.1), loop=False)], rate_hz)
    assert len(track.frames) == 5
    assert {len(base64.b64decode(frame)) for frame in track.frames} == {size}


def test_a_voice_that_does_not_loop_is_over_after_its_last_frame() -> None:
    track = render([Voice.of(ones(0.1), loop=False)], 16000)
    assert [track.index(frame) for frame in (-3, 0, 4, 5, 500)] == [-1, 0, 4, -1, -1]


def test_a_voice_that_loops_begins_again() -> None:
    track = render([Voice.of(ones(0.1), loop=True)], 16000)
    assert [track.index(frame) for frame in (4, 5, 6, 10)] == [4, 0, 1, 0]


def test_pauses_without_background_are_marked_silent() -> None:
    voice = Voice(((0.04, ones(0.02)),), duration_s=0.1)
    assert render([voice], 16000).silent == [True, True, False, True, True]


def test_background_is_heard_at_its_level_in_pauses_and_after_the_end() -> None:
    voice = Voice(((0.0, ones(0.1)),), duration_s=1.0, background_dbfs=-62.0)
    track = render([voice], 16000)
    pause = track.pcm[10:50].astype(np.float64) / 32768
    assert 20 * np.log10(np.sqrt(np.mean(pause**2))) == pytest.approx(-62, abs=0.5)
    assert not any(track.silent)
    assert track.index(10_000) >= 50


def test_background_of_one_seed_is_always_the_same() -> None:
    voice = Voice((), duration_s=0.2, background_dbfs=-50.0, seed=3)
    assert render([voice], 16000).frames == render([voice], 16000).frames


def test_mixed_voices_add_up() -> None:
    track = render([Voice.of(ones(0.02, level=0.25), loop=False), Voice.of(ones(0.04, level=0.25), loop=False)], 16000)
    assert track.pcm[0, 0] == 16384
    assert track.pcm[1, 0] == 8192


def test_loud_sums_are_clipped_and_do_not_wrap_around() -> None:
    track = render([Voice.of(ones(0.02, level=0.9), loop=False)] * 2, 16000)
    assert track.pcm.min() == 32767


@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_uploads_of_any_rate_and_width_keep_their_length(rate_hz: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.zeros((rate_hz, 2)), rate_hz, format="WAV")
    sound = decode(file.getvalue())
    assert sound.duration_s == 1.0
    assert len(render([Voice.of(sound, loop=False)], 24000).frames) == 50


def test_what_is_no_sound_is_refused_in_words() -> None:
    with pytest.raises(BadSoundError, match="Send WAV"):
        decode(b"hello")


def test_a_part_of_a_sound_is_cut_by_seconds() -> None:
    assert ones(1.0).part(0.25, 0.5).duration_s == 0.5
