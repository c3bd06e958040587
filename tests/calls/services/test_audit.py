"""Every verb that changes something leaves exactly one entry; a verb without a recipe here fails."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from calls import services
from calls.errors import CallStateError
from calls.exports import Options, export_calls
from calls.models import ApiKey, AuditEntry, AuditHead, Call, CallPolicy, Job, Recording, StreamSession, Take
from calls.models.audit import AppendOnlyError
from calls.operations.jobs import enqueue
from calls.permissions import VERBS
from calls.services import Actor, audit
from calls.services.jobs import run_job
from calls.services.recordings.hearing import hear
from calls.services.recordings.storing import delete_take
from calls.services.transcripts import annotations
from tests.azure_stand_in import CALLEE, CALLER, Doors
from tests.calls.scene import upload
from tests.calls.transcripts_scene import say

ANA = Actor("user", "ana", "page", "192.0.2.7")
EVERYBODY = User(username="root", is_superuser=True)
SEES_ONLY = {"view_clip", "view_policy", "view_audit", "view_key", "view_operations", "listen", "barge"}


def ringing(doors: Doors) -> Call:
    return doors.ring()


def connected(doors: Doors, *, streams: bool = False) -> Call:
    call = doors.ring()
    services.answer(Actor("user", "somebody"), call)
    call = doors.connect(call)
    if streams:
        StreamSession.objects.create(call=call, owner="a process", channel_type="unmixed")
        Call.objects.filter(pk=call.pk).update(streaming_state="streaming")
    return Call.objects.get(pk=call.pk)


def started(doors: Doors) -> Call:
    return connected(doors, streams=True)


def written_down(doors: Doors) -> Call:
    services.start_transcript(Actor("user", "somebody"), started(doors))
    return Call.objects.get()


def recorded_call(doors: Doors, state: str = "recording") -> Call:
    call = started(doors)
    Take.objects.create(call=call, number=1, owner="a process", asked_by="somebody", sample_rate_hz=16_000)
    Call.objects.filter(pk=call.pk).update(recording_state=state)
    return Call.objects.get(pk=call.pk)


def paused_call(doors: Doors) -> Call:
    return recorded_call(doors, "paused")


def sensitive_call(doors: Doors) -> Call:
    call = connected(doors)
    services.begin_sensitive(Actor("user", "somebody"), call)
    return Call.objects.get(pk=call.pk)


def clip(_doors: Doors) -> Any:
    return services.add_clip(Actor("user", "somebody"), "Welcome", upload())


def key(_doors: Doors) -> ApiKey:
    return services.issue_key(Actor("user", "somebody"), "dialler", ["view_call"])[0]


def policy(_doors: Doors) -> CallPolicy:
    return services.add_policy(Actor("user", "somebody"), CallPolicy(name="Night", position=1))


def renamed(kept: CallPolicy) -> CallPolicy:
    kept.name = "Nights"
    return kept


def recorded(doors: Doors) -> Take:
    call = connected(doors)
    take = Take.objects.create(call=call, number=1, state=Take.State.COMPLETE, owner="a process", asked_by="somebody")
    Recording.objects.create(
        take=take, call=call, track="injected", state=Recording.State.COMPLETE, sample_rate_hz=16_000
    )
    return take


def job(_doors: Doors) -> Job:
    return enqueue("verify_audit")


def noted(doors: Doors) -> Any:
    return annotations.write_note(Actor("user", "somebody"), connected(doors), "a secret note")


def said(doors: Doors) -> Any:
    return say(connected(doors), "a secret sentence")


def nothing(_doors: Doors) -> None:
    return None


Recipe = tuple[Callable[[Doors], Any], Callable[[Any], Any]]
RECIPES: dict[str, Recipe] = {
    "place": (nothing, lambda _: services.place(ANA, callee=CALLER, caller=CALLEE)),
    "answer": (ringing, lambda call: services.answer(ANA, call)),
    "reject": (ringing, lambda call: services.reject(ANA, call)),
    "redirect": (ringing, lambda call: services.redirect(ANA, call, CALLEE)),
    "hang_up": (connected, lambda call: services.hang_up(ANA, call)),
    "start_streaming": (connected, lambda call: services.start_streaming(ANA, call)),
    "stop_streaming": (started, lambda call: services.stop_streaming(ANA, call)),
    "speak": (started, lambda call: services.inject(ANA, call, services.SayText("a secret sentence"))),
    "tag_call": (connected, lambda call: annotations.tag_call(ANA, call, "refund")),
    "write_note": (connected, lambda call: annotations.write_note(ANA, call, "a secret note")),
    "delete_note": (noted, lambda note: annotations.delete_note(ANA, note)),
    "correct_segment": (said, lambda segment: annotations.correct_segment(ANA, segment, "a secret correction")),
    "export": (connected, lambda call: export_calls(ANA, EVERYBODY, [call.pk], Options("json"), one=call)),
    "stop_sound": (started, lambda call: services.stop_sound(ANA, call)),
    "start_transcript": (started, lambda call: services.start_transcript(ANA, call)),
    "stop_transcript": (written_down, lambda call: services.stop_transcript(ANA, call)),
    "change_language": (written_down, lambda call: services.change_language(ANA, call, "de-DE")),
    "start_recording": (started, lambda call: services.start_recording(ANA, call)),
    "stop_recording": (recorded_call, lambda call: services.stop_recording(ANA, call)),
    "pause_recording": (recorded_call, lambda call: services.pause_recording(ANA, call)),
    "resume_recording": (paused_call, lambda call: services.resume_recording(ANA, call)),
    "begin_sensitive": (connected, lambda call: services.begin_sensitive(ANA, call)),
    "end_sensitive": (sensitive_call, lambda call: services.end_sensitive(ANA, call)),
    "record_at_azure": (connected, lambda call: services.start_azure_recording(ANA, call)),
    "add_clip": (nothing, lambda _: services.add_clip(ANA, "Welcome", upload())),
    "delete_clip": (clip, lambda stored: services.delete_clip(ANA, stored)),
    "add_policy": (nothing, lambda _: services.add_policy(ANA, CallPolicy(name="Night", position=1))),
    "change_policy": (policy, lambda kept: services.change_policy(ANA, renamed(kept))),
    "delete_policy": (policy, lambda kept: services.delete_policy(ANA, kept)),
    "issue_key": (nothing, lambda _: services.issue_key(ANA, "dialler", ["view_call"])),
    "revoke_key": (key, lambda issued: services.revoke_key(ANA, issued)),
    "hear_recording": (recorded, lambda take: hear(ANA, take.tracks.get())),
    "delete_recording": (recorded, lambda take: delete_take(ANA, take)),
    "run_job": (job, lambda failed: run_job(ANA, failed.pk)),
}


@pytest.fixture
def later(transactional_db: None, ringing: CallPolicy) -> None:
    """Calls ring, and stream when somebody starts it."""
    CallPolicy.objects.update(streaming_start="later")


@pytest.mark.parametrize("verb", sorted(set(VERBS) - SEES_ONLY))
@pytest.mark.usefixtures("azure", "later")
def test_a_verb_that_changes_something_leaves_exactly_one_entry(verb: str, doors: Doors) -> None:
    assert verb in RECIPES, f"{verb} changes something: add it to RECIPES"
    prepare, act = RECIPES[verb]
    subject = prepare(doors)
    before = AuditEntry.objects.count()
    act(subject)
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert AuditEntry.objects.count() == before + 1
    assert (entry.action, entry.actor, entry.via, entry.address) == (verb, "ana", "page", "192.0.2.7")
    if isinstance(subject, Call):
        assert entry.call_id == subject.pk
    assert entry.target_id
    assert "secret" not in str(vars(entry))
    assert not list(audit.faults())


@pytest.mark.usefixtures("azure", "later")
def test_a_verb_that_is_refused_changes_nothing_and_leaves_no_entry(doors: Doors) -> None:
    call = ringing(doors)
    before = AuditEntry.objects.count()
    with pytest.raises(CallStateError):
        services.hang_up(ANA, call)
    assert AuditEntry.objects.count() == before


@pytest.mark.usefixtures("azure")
def test_a_policy_answers_under_its_own_name(doors: Doors, answering: CallPolicy) -> None:
    call = doors.ring()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_kind, entry.actor, entry.via, entry.call_id) == (
        "answer",
        "policy",
        f"policy {answering.name}",
        "",
        call.pk,
    )


@pytest.mark.django_db
def test_an_entry_goes_with_the_transaction_that_it_tells_of() -> None:
    def verb_that_fails() -> None:
        with transaction.atomic():
            audit.record(ANA, "place")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        verb_that_fails()
    assert not AuditEntry.objects.exists()
    assert not list(audit.faults())


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_of_a_transaction_is_a_fault_of_ours() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(ANA, "place")


@pytest.fixture
def chain(db: None) -> list[AuditEntry]:
    return [audit.record(ANA, "place", target=f"call {number}", size=number) for number in range(5)]


def sql(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.mark.parametrize("column", ["actor", "action", "target", "address", "via", "target_id", "actor_kind", "at"])
def test_one_altered_column_of_one_entry_is_found(chain: list[AuditEntry], column: str) -> None:
    assert not list(audit.faults())
    value = "2020-01-01 00:00:00+00:00" if column == "at" else "x"
    sql(f"UPDATE calls_auditentry SET {column} = %s WHERE number = 3", value)
    assert [fault.number for fault in audit.faults()] == [3]


def test_an_entry_with_a_digest_made_anew_is_found_at_the_next_one(chain: list[AuditEntry]) -> None:
    entry = AuditEntry.objects.get(number=3)
    entry.actor = "nobody"
    sql("UPDATE calls_auditentry SET actor = %s, digest = %s WHERE number = 3", "nobody", entry.digest_now())
    assert [fault.number for fault in audit.faults()] == [4]


@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_removed_entry_is_found(chain: list[AuditEntry], number: int) -> None:
    sql("DELETE FROM calls_auditentry WHERE number = %s", number)
    assert list(audit.faults())


def test_entries_are_neither_changed_nor_deleted_by_the_portal(chain: list[AuditEntry]) -> None:
    entry = chain[2]
    entry.actor = "nobody"
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor="nobody"),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()
    assert AuditEntry.objects.filter(actor="ana").count() == 5


def test_the_chain_knows_its_end(chain: list[AuditEntry]) -> None:
    head = AuditHead.objects.get()
    assert (head.number, head.digest) == (5, chain[-1].digest)


def test_an_entry_stays_when_its_call_goes(db: None) -> None:
    call = Call.objects.create(direction="inbound")
    audit.record(ANA, "hang_up", call=call)
    call_id = call.pk
    call.delete()
    assert AuditEntry.objects.get().call_id == call_id
    assert not list(audit.faults())
