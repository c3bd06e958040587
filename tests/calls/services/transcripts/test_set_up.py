"""A call is answered with its transcript if Azure can write one, and without it if not."""

from typing import Any

import pytest

from calls import recognisers
from calls.models import Call, CallPolicy
from calls.services import PORTAL, place
from calls.services.transcripts.set_up import NO_SERVICE
from tests.azure_stand_in import CALLEE, CALLER, Asked, AzureStandIn, Doors, callback, refusal
from tests.calls.loopback import Reply

AI = "https://ai.example"


@pytest.fixture
def written(answering: CallPolicy, settings: Any) -> CallPolicy:
    settings.ACS_AI_ENDPOINT = AI
    answering.recogniser = recognisers.AZURE_CALL
    answering.language = "de-DE"
    answering.save()
    return answering


def state_of(call: Call) -> tuple[str, str]:
    call.refresh_from_db()
    return call.transcript_state, call.transcript_error


def answers(azure: AzureStandIn) -> list[Asked]:
    return [each for each in azure.asked if each.verb == "answer"]


def test_a_call_whose_policy_says_so_is_answered_with_its_transcript(
    written: CallPolicy, azure: AzureStandIn, doors: Doors
) -> None:
    call = doors.ring()
    [asked] = answers(azure)
    options = asked.body["transcriptionOptions"]
    assert (options["locale"], options["startTranscription"]) == ("de-DE", True)
    assert "/ws/acs/transcription/" in options["transportUrl"]
    assert options["transportUrl"] != asked.body["mediaStreamingOptions"]["transportUrl"]
    assert asked.body["callIntelligenceOptions"] == {"cognitiveServicesEndpoint": AI}
    assert state_of(doors.connect(call)) == ("starting", "")


def test_another_recogniser_is_none_of_azures_business(
    answering: CallPolicy, azure: AzureStandIn, doors: Doors
) -> None:
    answering.recogniser = recognisers.POCKETSPHINX
    answering.save()
    doors.ring()
    assert "transcriptionOptions" not in answers(azure)[0].body


def test_without_an_ai_service_the_call_goes_on_and_says_why_it_has_no_transcript(
    written: CallPolicy, azure: AzureStandIn, doors: Doors, settings: Any
) -> None:
    settings.ACS_AI_ENDPOINT = ""
    call = doors.connect(doors.ring())
    assert call.state == "connected"
    assert "transcriptionOptions" not in answers(azure)[0].body
    state, why = state_of(call)
    assert state == "failed"
    assert NO_SERVICE in why
    assert "ACS_AI_ENDPOINT" in why


def test_a_language_without_a_country_is_not_asked_for(written: CallPolicy, azure: AzureStandIn, doors: Doors) -> None:
    written.language = "de"
    written.save()
    call = doors.connect(doors.ring())
    assert "transcriptionOptions" not in answers(azure)[0].body
    assert state_of(call)[0] == "failed"
    assert "such as en-US" in state_of(call)[1]


def test_a_call_that_azure_refuses_for_its_transcript_is_answered_without(
    written: CallPolicy, azure: AzureStandIn, doors: Doors
) -> None:
    def picky(asked: Asked) -> Reply:
        del azure.replies["answer"]
        return refusal(400, "8523", "locale not supported")(asked)

    azure.replies["answer"] = picky
    call = doors.connect(doors.ring())
    assert ["transcriptionOptions" in each.body for each in answers(azure)] == [True, False]
    assert call.state == "connected"
    assert state_of(call)[0] == "failed"
    [command] = call.commands.all()
    assert (command.verb, command.state) == ("answer", "done")


def test_a_call_that_azure_refuses_for_other_reasons_is_not_asked_for_again_here(
    written: CallPolicy, azure: AzureStandIn, doors: Doors
) -> None:
    azure.replies["answer"] = refusal(404, "8522")
    call = doors.ring()
    assert len(answers(azure)) == 1
    assert state_of(call) == ("off", "")
    assert call.state == "ended"


def test_a_placed_call_that_nobody_wants_written_down_has_no_transcript(
    azure: AzureStandIn, transactional_db: None, settings: Any
) -> None:
    settings.ACS_AI_ENDPOINT = AI
    call = place(PORTAL, callee=CALLER, caller=CALLEE)
    assert "transcriptionOptions" not in azure.asked[0].body
    assert call.transcript_state == "off"


def test_azures_own_word_that_it_failed_is_the_reason(written: CallPolicy, doors: Doors) -> None:
    call = doors.connect(doors.ring())
    failed = callback("TranscriptionFailed", call.call_connection_id or "", code=400, subcode=8565)
    assert doors.tell(call, failed).status_code == 200
    state, why = state_of(call)
    assert state == "failed"
    assert "Azure's AI service refused" in why
    assert "quota" in why
