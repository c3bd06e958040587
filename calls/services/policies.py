"""Call policies: added, changed, deleted, and asked which of them would take a call."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction

from calls.errors import BadInput
from calls.models import CallPolicy
from calls.services import audit
from calls.services.actor import Actor

COLUMNS: Final = tuple(field.name for field in CallPolicy._meta.concrete_fields if not field.primary_key)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says to a call; `obstacle` is empty where it would take it."""

    policy: CallPolicy
    obstacle: str
    takes: bool
    """True for the first one alone."""


def add_policy(actor: Actor, policy: CallPolicy) -> CallPolicy:
    """Stores a new policy; raises BadInput by field for what could never work."""
    _check(policy)
    with transaction.atomic():
        policy.save(force_insert=True)
        usual = _facts(CallPolicy())
        special: dict[str, Any] = {name: each for name, each in _facts(policy).items() if each != usual[name]}
        del special["name"]  # is the target already
        audit.record(actor, "add_policy", target=policy.name, target_id=policy.pk, **special)
    return policy


def change_policy(actor: Actor, policy: CallPolicy) -> CallPolicy:
    """Stores a changed policy and records what is different; nothing is recorded if nothing is."""
    _check(policy)
    with transaction.atomic():
        before = _facts(CallPolicy.objects.select_for_update().get(pk=policy.pk))
        after = _facts(policy)
        changes: dict[str, Any] = {
            name: f"{before[name]} → {after[name]}"[:300] for name in after if before[name] != after[name]
        }
        if changes:
            policy.save(force_update=True)
            audit.record(actor, "change_policy", target=policy.name, target_id=policy.pk, **changes)
    return policy


def delete_policy(actor: Actor, policy: CallPolicy) -> None:
    """Calls that it took keep its name."""
    with transaction.atomic():
        number = policy.pk
        policy.delete()
        audit.record(actor, "delete_policy", target=policy.name, target_id=number)


def verdicts(caller: str, callee: str, at: datetime) -> list[Verdict]:
    """What each policy, in the order in which they are asked, says to a call at that moment."""
    taken = False
    found = []
    for policy in CallPolicy.objects.all():
        obstacle = policy.obstacle(caller, callee, at)
        found.append(Verdict(policy, obstacle, takes=not obstacle and not taken))
        taken = taken or not obstacle
    return found


def _facts(policy: CallPolicy) -> dict[str, Any]:
    values = {name: getattr(policy, name) for name in COLUMNS if name != "name"}
    said = {name: each if isinstance(each, bool | int) else str(each or "") for name, each in values.items()}
    return {"name": policy.name, **said}


def _check(policy: CallPolicy) -> None:
    try:
        policy.full_clean()
    except ValidationError as error:
        fields = {name: " ".join(each) for name, each in error.message_dict.items() if name != NON_FIELD_ERRORS}
        words = " ".join(f"{name}: {sentence}" for name, sentence in fields.items())
        raise BadInput(f"The policy cannot be kept. {words}", fields) from error
