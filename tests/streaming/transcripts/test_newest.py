"""The newest words are told for a second."""

from streaming.transcripts.newest import NewestLine


def test_each_change_is_told_for_a_second() -> None:
    line = NewestLine()
    assert line.now(0.5) is None
    line.say("4:+1", "Good", 10.0, final=False)
    line.say("4:+1", "Good morning.", 10.4, final=True)
    assert line.now(11.3) == {"raw_id": "4:+1", "text": "Good morning.", "final": True}
    assert line.now(11.5) is None


def test_nothing_said_changes_nothing_and_a_long_turn_is_cut_at_its_beginning() -> None:
    line = NewestLine()
    line.say("4:+1", "Hello", 10.0, final=True)
    line.say("4:+1", "", 10.1, final=True)
    kept = line.now(10.2)
    assert kept is not None
    assert kept["text"] == "Hello"
    line.say("4:+1", "word " * 100 + "end", 10.2, final=False)
    told = line.now(10.3)
    assert told is not None
    assert told["text"].startswith("…word ")
    assert told["text"].endswith("word end")
    assert len(told["text"]) <= 200
    line.forget()
    assert line.now(10.3) is None
