"""What a recogniser says, dated and bounded; after its end it says nothing."""

from datetime import UTC, datetime

from streaming.engines.contract import Heard, HeardWord
from streaming.transcripts.arrivals import Arrivals
from streaming.transcripts.turns import Turns
from tests.streaming.transcripts.test_loop import Told


def started(each_s: float = 1.0) -> tuple[Turns, Told]:
    told = Told()
    turns = Turns("4:+1", told, each_s, lambda second: datetime.fromtimestamp(second, UTC))
    arrivals = Arrivals()
    for each in range(500):
        arrivals.add(100 + each * 0.02, 0.02)
    turns.begin("run", arrivals)
    return turns, told


def test_the_newest_partial_waits_for_its_time() -> None:
    turns, told = started()
    turns.hear("run", Heard("1", "a", 1, 2, False), 50.0)
    turns.hear("run", Heard("1", "a b", 1, 3, False), 50.2)
    turns.hear("run", Heard("1", "a b c", 1, 4, False), 50.4)
    assert [each.text for each in told.turns] == ["a"]
    turns.tell_due(51.0)
    turns.tell_due(52.0)
    assert [each.text for each in told.turns] == ["a", "a b c"]


def test_a_final_goes_at_once_with_its_words_from_its_own_start() -> None:
    turns, told = started()
    words = (HeardWord("good", 2.0, 2.5), HeardWord("day", 2.5, 3.0))
    turns.hear("run", Heard("1", "good day", 2.0, 3.0, True, 0.8, "en-US", words, {"mood": "glad"}), 50.0)
    (turn,) = told.turns
    assert turn.started_at == datetime.fromtimestamp(102, UTC)
    assert turn.words[1] == {"text": "day", "start_s": 0.5, "end_s": 1.0}
    assert (turn.final, turn.confidence, turn.extra, turn.key) == (True, 0.8, {"mood": "glad"}, "run-1")


def test_its_end_makes_final_what_was_half_said_and_what_comes_later_is_not_heard() -> None:
    turns, told = started()
    turns.hear("run", Heard("1", "half a sen", 1, 2, False), 50.0)
    turns.end()
    turns.hear("run", Heard("1", "half a sentence", 1, 2, True), 51.0)
    assert [(each.text, each.final) for each in told.turns] == [("half a sen", False), ("half a sen", True)]
    assert not turns.any_open
