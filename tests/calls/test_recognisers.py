"""What people are told of the recognisers, and of one that this portal does not offer."""

from typing import Any

import pytest

from calls.recognisers import AZURE_CALL, AZURE_SPEECH, OPENAI_REALTIME, POCKETSPHINX, facts_of, lacking, offered, usual
from streaming.engines.azure_speech import AzureSpeech
from streaming.engines.openai_realtime import OpenAIRealtime

OWN = "a.site.of.its.OwnRecogniser"


def test_what_is_offered_stands_in_the_setting_s_order(settings: Any) -> None:
    settings.SPEECH_RECOGNISERS = [OWN, AZURE_CALL]
    assert [facts.path for facts in offered()] == [OWN, AZURE_CALL]
    assert [facts.source for facts in offered()] == ["ownrecogniser", "azure_call"]


def test_a_start_without_a_choice_stays_on_this_machine_where_it_can(settings: Any) -> None:
    settings.SPEECH_RECOGNISERS = [AZURE_CALL, AZURE_SPEECH, POCKETSPHINX]
    assert usual() == POCKETSPHINX
    settings.SPEECH_RECOGNISERS = [AZURE_CALL, AZURE_SPEECH]
    assert usual() == AZURE_SPEECH
    settings.SPEECH_RECOGNISERS = [AZURE_CALL]
    assert usual() == ""


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (AZURE_SPEECH, "Azure AI Speech is not offered here. Set SPEECH_AZURE_KEY and SPEECH_AZURE_REGION, or"),
        (OPENAI_REALTIME, "Set SPEECH_OPENAI_KEY, or choose another recogniser."),
        (POCKETSPHINX, f"Name {POCKETSPHINX} in SPEECH_RECOGNISERS, or choose another recogniser."),
        (OWN, f"OwnRecogniser is not offered here. Name {OWN} in SPEECH_RECOGNISERS"),
    ],
)
def test_one_that_is_not_offered_says_what_it_lacks(path: str, says: str, settings: Any) -> None:
    settings.SPEECH_RECOGNISERS = []
    assert says in lacking(path)
    settings.SPEECH_RECOGNISERS = [path]
    assert lacking(path) == ""


def test_segments_are_marked_as_the_engines_mark_them() -> None:
    assert facts_of(AZURE_SPEECH).source == AzureSpeech.name
    assert facts_of(OPENAI_REALTIME).source == OpenAIRealtime.name
