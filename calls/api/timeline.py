"""A call's whole story in order: what happened, what was ordered, what was played, which sockets were open."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal, NotRequired, TypedDict
from uuid import UUID

from django.db.models import CharField, F, QuerySet, Value

from calls.models import Call, CallEvent, Command, Injection, StreamSession
from calls.selectors import (
    AuditJson,
    CommandJson,
    EventJson,
    InjectionJson,
    StreamJson,
    audit_of_call,
    command_json,
    event_json,
    injection_json,
    stream_json,
)
from calls.visibility import Viewer

Kind = Literal["event", "command", "injection", "stream"]
Key = tuple[datetime, Kind, UUID]

_TIMES: Final[dict[Kind, str]] = {
    "event": "event_time",
    "command": "created_at",
    "injection": "queued_at",
    "stream": "opened_at",
}
KINDS: Final[tuple[Kind, ...]] = tuple(_TIMES)


class MomentJson(TypedDict):
    kind: Kind
    at: str
    offset_s: float
    text: str
    event: NotRequired[EventJson]
    command: NotRequired[CommandJson]
    injection: NotRequired[InjectionJson]
    stream: NotRequired[StreamJson]
    audit: NotRequired[AuditJson]


def keys(call: Call) -> QuerySet[Any, Key]:
    """(time, kind, id) of every moment, oldest first; can be counted and cut, not filtered."""
    tables = _tables(call)
    first, *rest = (_keys_of(tables[kind], kind) for kind in _TIMES)
    return first.union(*rest, all=True).order_by("at", "sort", "id")


def moments(call: Call, page: Iterable[Key], viewer: Viewer) -> list[MomentJson]:
    """The moments behind keys, in their order; one query per kind. Who may see the audit sees it on orders."""
    page = list(page)
    tables = _tables(call)
    rows = {
        kind: tables[kind].in_bulk([pk for _, of_kind, pk in page if of_kind == kind])
        for kind in {kind for _, kind, _ in page}
    }
    told = [(str(pk), _moment(call, at, rows[kind][pk])) for at, kind, pk in page if pk in rows[kind]]
    audit = audit_of_call(call, viewer)
    for order_id, moment in told:
        if order_id in audit:
            moment["audit"] = audit[order_id]
    return [moment for _, moment in told]


def _tables(call: Call) -> dict[Kind, QuerySet[Any]]:
    return {
        "event": CallEvent.objects.filter(call=call),
        "command": Command.objects.filter(call=call),
        "injection": Injection.objects.filter(call=call),
        "stream": StreamSession.objects.filter(call=call),
    }


def _keys_of(rows: QuerySet[Any], kind: Kind) -> QuerySet[Any, Key]:
    named = rows.order_by().annotate(at=F(_TIMES[kind]), sort=Value(kind, output_field=CharField()))
    found: QuerySet[Any, Key] = named.values_list("at", "sort", "id")
    return found


def _moment(call: Call, at: datetime, row: CallEvent | Command | Injection | StreamSession) -> MomentJson:
    offset_s = round((at - call.since).total_seconds(), 3)
    when = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    match row:
        case CallEvent():
            event = event_json(row, call, with_raw=True)
            return {"kind": "event", "at": when, "offset_s": offset_s, "text": event["text"], "event": event}
        case Command():
            said = f"{row.asked_by} asked to {row.get_verb_display().lower()}: {row.state}."
            return {"kind": "command", "at": when, "offset_s": offset_s, "text": said, "command": command_json(row)}
        case Injection():
            said = f"{row.asked_by} asked to play “{row.label}”: {row.state}."
            shown = injection_json(row)
            return {"kind": "injection", "at": when, "offset_s": offset_s, "text": said, "injection": shown}
        case StreamSession():
            said = f"Media stream {row.number} was opened: {row.state}."
            return {"kind": "stream", "at": when, "offset_s": offset_s, "text": said, "stream": stream_json(row)}
