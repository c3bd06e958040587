"""Whether a new socket writes its sound down: what somebody asked for last, else the policy."""

import pytest

from calls import services
from calls.commands import StartTranscript, StopTranscript
from calls.models import Call, Command
from calls.recognisers import AZURE_CALL, POCKETSPHINX
from calls.services import Actor
from calls.services.transcripts.wish import begin_transcript, is_wished, transcript_now
from calls.services.transcripts.words import transcript_failed, transcript_stopped
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db
ANA = Actor("user", "ana")


def test_a_policy_with_a_recogniser_begins_with_the_socket() -> None:
    call = live_call(recogniser=POCKETSPHINX, phrases="refund")
    begin_transcript(call)
    assert Call.objects.get().transcript_state == "starting"
    assert transcript_now(call, {}) == StartTranscript(POCKETSPHINX, "en-US", ("refund",), "")


@pytest.mark.parametrize("recogniser", ["", AZURE_CALL])
def test_without_one_or_with_azure_s_own_this_process_writes_nothing(recogniser: str) -> None:
    call = live_call(recogniser=recogniser)
    begin_transcript(call)
    assert Call.objects.get().transcript_state == "off"
    assert transcript_now(call, {}) == StopTranscript("")


def test_what_somebody_stopped_stays_stopped_until_somebody_starts_it() -> None:
    call = live_call(recogniser=POCKETSPHINX)
    begin_transcript(call)
    stop = services.stop_transcript(ANA, call)
    call.refresh_from_db()
    assert transcript_now(call, {"stop_transcript": str(stop.pk)}) == StopTranscript(str(stop.pk))
    transcript_stopped(call.pk, str(stop.pk))
    call.refresh_from_db()
    assert not is_wished(call)
    start = services.start_transcript(ANA, call)
    call.refresh_from_db()
    assert transcript_now(call, {"start_transcript": str(start.pk)}).command == str(start.pk)


def test_what_failed_waits_for_somebody() -> None:
    call = live_call(recogniser=POCKETSPHINX)
    begin_transcript(call)
    transcript_failed(call.pk, "It is not installed.")
    call.refresh_from_db()
    assert not is_wished(call)


def test_an_order_that_no_process_took_changes_nothing_of_the_wish() -> None:
    call = live_call(recogniser=POCKETSPHINX)
    Command.objects.create(call=call, verb="start_transcript", state="failed", asked_by="ana")
    assert is_wished(call)
