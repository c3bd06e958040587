import json
import shutil
from pathlib import Path

import pytest

from acsportal.emulator.scenario import SCENARIOS
from acsportal.emulator.scenarios.make import PLAYS, RATE_HZ, Line, Person, Play, make, spoken

needs_espeak = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed here")
ADA = Person("caller", "4:+14255550123", "Ada", "en-us", 165)


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.name)
def test_stored_scripts_say_what_the_plays_say(play: Play) -> None:
    script = json.loads((SCENARIOS / f"{play.name}.json").read_text(encoding="utf-8"))
    assert [(line["speaker"], line["text"]) for line in script["utterances"]] == [
        (line.role, line.text) for line in play.lines
    ]
    assert [speaker["rawId"] for speaker in script["speakers"]] == [person.raw_id for person in play.people]


@needs_espeak
def test_an_utterance_has_no_silence_around_it() -> None:
    wave = spoken(ADA, "Hello there.")
    assert 0.3 < len(wave) / RATE_HZ < 2
    assert abs(wave[: RATE_HZ // 20]).max() > 0.005


@needs_espeak
def test_a_line_with_a_negative_gap_overlaps(tmp_path: Path) -> None:
    play = Play("tiny", "Tiny", (ADA,), (Line("caller", "One two three."), Line("caller", "Four.", -0.2)))
    make(play, tmp_path)
    first, second = json.loads((tmp_path / "tiny.json").read_text())["utterances"]
    assert second["start_s"] == pytest.approx(first["start_s"] + first["duration_s"] - 0.2, abs=0.002)
    assert second["offset_s"] == pytest.approx(first["duration_s"], abs=0.002)
