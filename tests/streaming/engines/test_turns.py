"""Turns by loudness: known sounds, and where they were cut."""

import numpy as np
import pytest

from streaming.engines.contract import EngineError
from streaming.engines.turns import LONGEST_TURN_S, Patience, Turn, TurnTaking, loudness_dbfs
from tests.streaming.engines.tones import spoken

RATE_HZ = 24_000


def sound(duration_s: float, level_dbfs: float, seed: int = 1) -> bytes:
    """Noise with that root mean square."""
    noise = np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_dbfs / 20), round(duration_s * RATE_HZ))
    return np.clip(np.rint(noise), -32768, 32767).astype("<i2").tobytes()


def turns_in(pcm: bytes, piece_ms: int = 100) -> tuple[TurnTaking, list[Turn]]:
    taking, found = TurnTaking(RATE_HZ), []
    size = RATE_HZ * piece_ms // 1000 * 2
    for start in range(0, len(pcm), size):
        found += taking.feed(pcm[start : start + size])
    return taking, found


def span(turn: Turn) -> tuple[float, float]:
    return round(turn.start_s, 3), round(turn.end_s, 3)


@pytest.mark.parametrize("piece_ms", [20, 100, 500, 7_000])
def test_two_utterances_are_two_turns_whatever_the_pieces(piece_ms: int) -> None:
    pcm = spoken("one two three", RATE_HZ, 200, 700) + spoken("four", RATE_HZ, 0, 700)
    taking, turns = turns_in(pcm, piece_ms)
    assert [span(turn) for turn in turns] == [(0.2, 0.8), (1.5, 1.66)]
    assert taking.turn is None
    assert taking.heard_s == pytest.approx(len(pcm) / 2 / RATE_HZ)


def test_a_pause_within_a_sentence_ends_nothing() -> None:
    pcm = spoken("one", RATE_HZ, 200, 500) + spoken("two", RATE_HZ, 0, 700)
    assert [span(turn) for turn in turns_in(pcm)[1]] == [(0.2, 1.02)]


def test_a_turn_that_is_under_way_can_be_ended() -> None:
    taking, turns = turns_in(spoken("one", RATE_HZ, 100, 100))
    assert turns == []
    ended = taking.end()
    assert ended is not None
    assert not ended.open
    assert span(ended) == (0.1, 0.26)
    assert taking.end() is None


def test_silence_and_even_noise_are_no_turns() -> None:
    assert turns_in(bytes(RATE_HZ * 2 * 5))[1] == []
    assert turns_in(sound(5, -55))[1] == []
    assert turns_in(bytes(RATE_HZ) + sound(0.04, -20) + bytes(RATE_HZ))[1] == []  # a click


def test_speech_above_noise_is_a_turn() -> None:
    noisy = np.frombuffer(sound(3, -42), "<i2") + np.pad(np.frombuffer(sound(1, -20, 2), "<i2"), (RATE_HZ, RATE_HZ))
    (turn,) = turns_in(noisy.astype("<i2").tobytes())[1]
    assert turn.start_s == pytest.approx(1, abs=0.1)
    assert turn.end_s == pytest.approx(2, abs=0.1)


def test_somebody_who_never_stops_is_cut() -> None:
    turns = turns_in((spoken("one", RATE_HZ, 0, 100)) * 260)[1]
    assert turns
    assert max(turn.end_s - turn.start_s for turn in turns) <= LONGEST_TURN_S + 0.02


def test_a_service_that_says_nothing_to_speech_has_stalled() -> None:
    patience = Patience("The service", RATE_HZ, 1.0)
    for _ in range(10):
        patience.pushed(sound(0.1, -20), owed=False)
    patience.answered()
    for _ in range(1_000):
        patience.pushed(bytes(RATE_HZ // 5), owed=False)
    for _ in range(10):
        patience.pushed(sound(0.1, -20), owed=False)
    with pytest.raises(EngineError, match=r"The service said nothing to 1 s of sound") as caught:
        patience.pushed(sound(0.1, -20), owed=False)
    assert caught.value.retryable


def test_a_service_that_owes_the_end_of_what_it_began_has_stalled_in_silence_too() -> None:
    patience = Patience("The service", RATE_HZ, 100)
    for _ in range(149):
        patience.pushed(bytes(RATE_HZ // 5), owed=True)
    with pytest.raises(EngineError, match="said nothing to 15 s"):
        patience.pushed(bytes(RATE_HZ // 2), owed=True)


def test_loudness_of_nothing_is_silence() -> None:
    assert loudness_dbfs(b"") == loudness_dbfs(b"\1") == loudness_dbfs(bytes(100))
    assert loudness_dbfs(sound(1, -20)) == pytest.approx(-20, abs=0.2)
