"""Starting, stopping and turning to another language: who is ordered, what is refused, what stays."""

from typing import Any

import pytest

from calls import commands, services
from calls.errors import BadInput, CallStateError
from calls.models import Call, Command
from calls.recognisers import POCKETSPHINX
from calls.services import Actor
from calls.services.transcripts.words import transcript_started, transcript_stopped
from tests.calls.ear import Ear
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db(transaction=True)
ANA = Actor("user", "ana", "page")


class Owner:
    """The process that has a call's socket: what it is ordered, from now on."""

    def __init__(self, call: Call) -> None:
        self._ear = Ear(commands.group_of(call.streams.get().pk))

    def orders(self) -> list[commands.Order]:
        return [commands.read(each) for each in self._ear.messages() if each["type"] == "stream.order"]


def test_a_start_orders_the_owner_with_what_the_policy_says() -> None:
    call = live_call(recogniser=POCKETSPHINX, language="en-US", phrases="order number\nrefund")
    owner = Owner(call)
    command = services.start_transcript(ANA, call)
    assert owner.orders() == [
        commands.StartTranscript(POCKETSPHINX, "en-US", ("order number", "refund"), str(command.pk))
    ]
    assert Call.objects.get().transcript_state == "starting"
    assert (command.verb, command.state) == ("start_transcript", "queued")


def test_what_is_named_at_the_start_stays_with_the_call() -> None:
    call = live_call()
    services.start_transcript(ANA, call, language="en-GB", phrases=["  blue   parcel "])
    found = Call.objects.get()
    assert (found.recogniser, found.language, found.phrase_list) == (POCKETSPHINX, "en-GB", ["blue parcel"])


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"recogniser": "os.system"}, "recogniser"),
        ({"language": "?"}, "language"),
        ({"phrases": ["x" * 99]}, "phrases"),
    ],
)
def test_a_start_that_cannot_be_is_refused_with_the_remedy(given: dict[str, Any], field: str) -> None:
    call = live_call()
    with pytest.raises(BadInput) as refusal:
        services.start_transcript(ANA, call, **given)
    assert field in refusal.value.fields
    assert Call.objects.get().transcript_state == "off"
    assert not Command.objects.exists()


def test_without_sound_nothing_can_be_written_down() -> None:
    with pytest.raises(CallStateError, match="Start streaming first"):
        services.start_transcript(ANA, live_call(streams=False))


def test_it_is_started_once_and_stopped_once() -> None:
    call = live_call()
    with pytest.raises(CallStateError, match="is off"):
        services.stop_transcript(ANA, call)
    services.start_transcript(ANA, call)
    with pytest.raises(CallStateError, match="on already"):
        services.start_transcript(ANA, call)
    transcript_started(call.pk)
    owner = Owner(call)
    command = services.stop_transcript(ANA, call)
    assert owner.orders() == [commands.StopTranscript(str(command.pk))]
    assert Call.objects.get().transcript_state == "on"
    transcript_stopped(call.pk, str(command.pk))
    command.refresh_from_db()
    assert (Call.objects.get().transcript_state, command.state) == ("off", "done")


def test_a_stop_where_no_process_has_the_sound_is_done_at_once() -> None:
    call = live_call()
    services.start_transcript(ANA, call)
    call.streams.update(state="closed")
    command = services.stop_transcript(ANA, call)
    assert (command.state, Call.objects.get().transcript_state) == ("done", "off")


def test_another_language_is_ordered_and_kept() -> None:
    call = live_call()
    with pytest.raises(CallStateError):
        services.change_language(ANA, call, "de-DE")
    services.start_transcript(ANA, call)
    owner = Owner(call)
    command = services.change_language(ANA, call, "de-DE")
    assert owner.orders() == [commands.ChangeLanguage("de-DE", str(command.pk))]
    assert Call.objects.get().language == "de-DE"
    with pytest.raises(BadInput):
        services.change_language(ANA, call, "german please")
