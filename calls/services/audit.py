"""The audit: one entry per verb that changes something, written in the verb's own transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone

from calls.models import AuditEntry, AuditHead, Call
from calls.models.audit import FIRST_DIGEST
from calls.services.actor import Actor

Fact = str | int | bool | None

DONE: Final = AuditEntry.Outcome.DONE
ASKED: Final = AuditEntry.Outcome.ASKED


def record(
    actor: Actor,
    action: str,
    /,
    *,
    call: Call | None = None,
    target: str = "",
    target_id: object = "",
    outcome: str = DONE,
    **facts: Fact,
) -> AuditEntry:
    """Adds an entry to the end of the chain. Inside the verb's transaction, as its last statement: the chain's lock
    is held until the commit, so whoever takes a lock after it can wait for somebody who waits for the chain.

    `facts` hold no secrets and nothing that was said; `outcome` is asked for orders that somebody else carries out.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An audit entry is written in the transaction of its verb.")
    head, _ = AuditHead.objects.select_for_update().get_or_create(pk=1)
    entry = AuditEntry(
        number=head.number + 1,
        at=timezone.now(),
        actor_kind=actor.kind,
        actor=actor.name,
        via=actor.via,
        address=actor.address,
        action=action,
        call=call,
        target=target[:150],
        target_id=str(target_id),
        outcome=str(outcome),
        facts=facts,
        previous=head.digest,
    )
    entry.digest = entry.digest_now()
    entry.save()
    head.number, head.digest = entry.number, entry.digest
    head.save(update_fields=["number", "digest"])
    return entry


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain is broken; `number` is the entry that does not fit."""

    number: int
    sentence: str


def faults() -> Iterator[Fault]:
    """Every place where an entry was altered, removed or slipped in; nothing if the chain is whole."""
    number, digest = 0, FIRST_DIGEST
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=1_000):
        if entry.number != number + 1:
            yield Fault(number + 1, f"Entries {number + 1} to {entry.number - 1} are missing.")
        elif entry.previous != digest:
            yield Fault(entry.number, f"Entry {entry.number} does not follow the entry before it.")
        if entry.digest_now() != entry.digest:
            yield Fault(entry.number, f"Entry {entry.number} was altered after it was written.")
        number, digest = entry.number, entry.digest
    head = AuditHead.objects.filter(pk=1).first() or AuditHead()
    if (head.number, head.digest) != (number, digest):
        yield Fault(head.number, f"The chain should end with entry {head.number}, but ends with entry {number}.")
