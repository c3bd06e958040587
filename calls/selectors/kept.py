"""What is kept besides calls: policies, API keys, and the audit."""

from collections.abc import Iterable, Sequence
from typing import Final, TypedDict
from uuid import UUID

from django.db import models

from calls.models import ApiKey, AuditEntry, Call, CallPolicy, Command, Injection
from calls.models.audit import WAYS as WAY_WORDS
from calls.selectors.records import iso, iso_of
from calls.visibility import Viewer

WAYS: Final = dict(WAY_WORDS)

# Action → what somebody did, as the end of a sentence that begins with who.
ACTION_WORDS: Final[dict[str, str]] = {
    "place": "placed a call",
    "answer": "answered",
    "reject": "rejected the call",
    "redirect": "redirected the call",
    "hang_up": "hung up",
    "start_streaming": "started streaming",
    "stop_streaming": "stopped streaming",
    "speak": "played a sound",
    "stop_sound": "stopped the sound",
    "start_recording": "started recording",
    "stop_recording": "stopped recording",
    "pause_recording": "paused the recording",
    "resume_recording": "resumed the recording",
    "begin_sensitive": "began a sensitive pause",
    "end_sensitive": "ended the sensitive pause",
    "record_at_azure": "steered Azure's recording",
    "tag_call": "changed the call's tags",
    "write_note": "wrote a note",
    "delete_note": "deleted a note",
    "correct_segment": "corrected a passage",
    "export": "exported what was said",
    "add_clip": "added a clip",
    "delete_clip": "deleted a clip",
    "add_policy": "added a policy",
    "change_policy": "changed a policy",
    "delete_policy": "deleted a policy",
    "issue_key": "issued an API key",
    "revoke_key": "revoked an API key",
    "hear_recording": "heard a recording",
    "delete_recording": "deleted a recording",
    "run_job": "ran a job again",
    "add_person": "added a person",
    "change_person": "changed a person",
    "change_password": "changed a password",
    "delete_person": "deleted a person",
    "add_role": "added a role",
    "change_role": "changed a role",
    "delete_role": "deleted a role",
}


class PolicyJson(TypedDict):
    id: int
    name: str
    position: int
    enabled: bool
    callee_pattern: str
    caller_pattern: str
    days: str
    opens_at: str | None
    closes_at: str | None
    time_zone: str
    hours: str
    action: str
    reject_reason: str
    redirect_target: str
    streaming: dict[str, object]
    recording: dict[str, object]
    transcript: dict[str, object]
    kept: str


class KeyJson(TypedDict):
    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_by: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class AuditJson(TypedDict):
    number: int
    at: str
    actor: str
    actor_kind: str
    via: str
    address: str
    action: str
    text: str
    call: str | None
    target: str
    target_id: str
    outcome: str
    facts: dict[str, object]
    digest: str


def policy_json(policy: CallPolicy) -> PolicyJson:
    return {
        "id": policy.pk,
        "name": policy.name,
        "position": policy.position,
        "enabled": policy.enabled,
        "callee_pattern": policy.callee_pattern,
        "caller_pattern": policy.caller_pattern,
        "days": policy.days,
        "opens_at": policy.opens_at.isoformat("minutes") if policy.opens_at else None,
        "closes_at": policy.closes_at.isoformat("minutes") if policy.closes_at else None,
        "time_zone": policy.time_zone,
        "hours": policy.hours,
        "action": policy.action,
        "reject_reason": policy.reject_reason,
        "redirect_target": policy.redirect_target,
        "streaming": {
            "channel_type": policy.channel_type,
            "sample_rate_hz": policy.sample_rate_hz,
            "bidirectional": policy.bidirectional,
            "dtmf": policy.dtmf,
            "start": policy.streaming_start,
        },
        "recording": {"start": policy.recording_start, "keep_days": policy.recording_keep_days},
        "transcript": {
            "recogniser": policy.recogniser,
            "language": policy.language,
            "phrases": policy.phrase_list,
        },
        "kept": policy.kept,
    }


def key_json(key: ApiKey) -> KeyJson:
    return {
        "id": str(key.pk),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created_by": key.created_by.get_username() if key.created_by else "",
        "created_at": iso_of(key.created_at),
        "expires_at": iso(key.expires_at),
        "last_used_at": iso(key.last_used_at),
        "revoked_at": iso(key.revoked_at),
    }


def audit_rows(entries: Sequence[AuditEntry]) -> list[AuditJson]:
    """Entries with how the orders among them ended by now."""
    states = order_states(entries)
    return [_audit_json(entry, states.get(entry.target_id)) for entry in entries]


def audit_of_call(call: Call, viewer: Viewer) -> dict[str, AuditJson]:
    """Who gave each order of a call, and from where, by the order's id; empty for who may not see the audit."""
    entries = list(AuditEntry.objects.visible_to(viewer).filter(call_id=call.pk)[:2_000])
    return {row["target_id"]: row for row in audit_rows(entries)}


def order_states(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """The state of the order or sound behind each entry that only says that it was asked for, by its id."""
    asked = [UUID(each.target_id) for each in entries if each.outcome == AuditEntry.Outcome.ASKED]
    found: dict[str, str] = {}
    models_: tuple[type[models.Model], ...] = (Command, Injection)
    for model in models_:
        rows = model._default_manager.filter(pk__in=asked).values_list("pk", "state")
        found.update({str(pk): str(state) for pk, state in rows})
    return found


def _audit_json(entry: AuditEntry, state: str | None) -> AuditJson:
    return {
        "number": entry.number,
        "at": iso_of(entry.at),
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "via": entry.via,
        "address": entry.address,
        "action": entry.action,
        "text": f"{entry.actor} {ACTION_WORDS.get(entry.action, entry.action)}",
        "call": str(entry.call_id) if entry.call_id else None,
        "target": entry.target,
        "target_id": entry.target_id,
        "outcome": state or entry.outcome,
        "facts": entry.facts,
        "digest": entry.digest,
    }
