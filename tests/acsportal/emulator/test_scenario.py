from itertools import pairwise

import numpy as np
import pytest

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.media.tracks import Voice
from acsportal.emulator.scenario import SCENARIOS, Scenario, Speaker, UnknownScenarioError


def test_an_unknown_scenario_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownScenarioError, match="callee, gives_up, sales, support"):
        scenarios.load("opera")


def test_names_do_not_reach_out_of_the_folder() -> None:
    with pytest.raises(UnknownScenarioError):
        scenarios.load("../scenarios/support")


@pytest.mark.parametrize("name", ["support", "sales"])
def test_conversations_last_a_minute_and_go_on(name: str) -> None:
    script = scenarios.script(name)
    assert script["duration_s"] >= 60
    assert script["loop"]


@pytest.mark.parametrize("name", ["support", "sales", "callee"])
def test_each_utterance_is_heard_where_the_script_says(name: str) -> None:
    script = scenarios.script(name)
    for number, speaker in enumerate(scenarios.load(name).speakers):
        track = scenarios.track(scenarios.load(name), (speaker.voice,), 16000)
        power = np.square(track.pcm / 32768).mean(axis=1)
        role = script["speakers"][number]["role"]
        own = [line for line in script["utterances"] if line["speaker"] == role]
        assert own
        for line in own:
            first = int(line["start_s"] * 50)
            spoken = power[first : first + int(line["duration_s"] * 50)]
            assert -26 < 10 * np.log10(spoken.mean()) < -17, line["text"]
        assert (
            10 * np.log10(power[:30].mean()) == pytest.approx(script["background_dbfs"], abs=1) or own[0]["start_s"] < 1
        )


def test_the_support_speakers_overlap_a_little_and_pause() -> None:
    lines = scenarios.script("support")["utterances"]
    gaps = [b["start_s"] - a["start_s"] - a["duration_s"] for a, b in pairwise(lines)]
    assert min(gaps) < 0
    assert max(gaps) > 2


def test_all_scenarios_together_are_small() -> None:
    assert sum(path.stat().st_size for path in SCENARIOS.iterdir() if path.suffix in (".ogg", ".json")) < 1_500_000


def test_calls_with_one_scenario_share_its_frames() -> None:
    scenario = scenarios.load("callee")
    voices = (scenario.speakers[0].voice,)
    assert scenarios.track(scenario, voices, 24000) is scenarios.track(scenario, voices, 24000)


def test_uploads_are_not_kept() -> None:
    upload = Scenario("upload", (Speaker("4:+1425", "Ada"),))
    voices = (Voice(duration_s=0.1, background_dbfs=-60.0),)
    assert scenarios.track(upload, voices, 16000) is not scenarios.track(upload, voices, 16000)


def test_another_caller_says_the_same() -> None:
    scenario = scenarios.load("support").starring("4:+4930123456")
    assert scenario.speakers[0].raw_id == "4:+4930123456"
    assert scenario.speakers[0].voice == scenarios.load("support").speakers[0].voice
