"""Live sound at another rate: the same sound, hardly later, however it is cut."""

import numpy as np
import pytest

from streaming.pipeline.resampling import Resampler


def sine(hz: float, rate_hz: int, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def through(resampler: Resampler, sound: np.ndarray, pieces: list[int]) -> np.ndarray:
    pcm = np.rint(sound * 32767).astype("<i2")
    out, at = b"", 0
    while at < pcm.size:
        for piece in pieces:
            out += resampler.push(pcm[at : at + piece].tobytes())
            at += piece
    return np.frombuffer(out, "<i2") / 32767


@pytest.mark.parametrize(("from_hz", "to_hz"), [(24_000, 16_000), (16_000, 24_000), (8_000, 16_000), (48_000, 16_000)])
def test_a_tone_stays_that_tone_at_its_time(from_hz: int, to_hz: int) -> None:
    out = through(Resampler(from_hz, to_hz), sine(1_000, from_hz), [from_hz // 50])
    wanted = sine(1_000, to_hz)[: out.size]
    error = (out - wanted)[100:-100]
    assert 10 * np.log10(np.mean(wanted**2) / np.mean(error**2)) > 70


def test_what_the_lower_rate_cannot_hold_is_not_folded_into_it() -> None:
    out = through(Resampler(24_000, 16_000), sine(9_500, 24_000), [480])
    assert 20 * np.log10(np.sqrt(np.mean(out[100:-100] ** 2)) + 1e-9) < -75


def test_cuts_are_not_heard() -> None:
    sound = sine(700, 24_000)
    whole = through(Resampler(24_000, 16_000), sound, [24_000])
    cut = through(Resampler(24_000, 16_000), sound, [1, 479, 7, 960, 33])
    assert np.array_equal(whole[: cut.size], cut)
    assert cut.size >= whole.size - 1


def test_it_holds_back_two_milliseconds_at_most() -> None:
    resampler = Resampler(24_000, 16_000)
    put_out = sum(len(resampler.push(bytes(960))) for _ in range(50)) / 2
    assert resampler.delay_s <= 0.002
    assert 1.0 - put_out / 16_000 <= 0.002


def test_the_same_rate_passes_through_untouched() -> None:
    assert Resampler(16_000, 16_000).push(b"\x01\x00\x02\x00") == b"\x01\x00\x02\x00"


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="two bytes"):
        Resampler(24_000, 16_000).push(b"\x00" * 481)
