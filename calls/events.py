"""Azure's JSON → frozen dataclasses: Call Automation callbacks (CloudEvents) and Event Grid's deliveries.

Both come as an array or a single object, at least once and in any order. What is unknown is kept; what is broken is
reported element by element, so that one bad element never costs its neighbours. Everything returned can be stored as
it is: no NUL, no lone surrogate, no NaN, no endless id.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from calls.numbers import ParticipantKind, raw_id_kind, raw_id_number

MAX_BODY_BYTES: Final = 1024 * 1024  # Event Grid's own limit for one event or batch
MAX_EVENTS: Final = 5_000  # the same, for a batch; a callback brings one or two
# What the columns of a call and of its events take.
_MAX_ID: Final = 200
_MAX_CALL_ID: Final = 128
_MAX_RAW_ID: Final = 256
_MAX_NAME: Final = 128
_MAX_TYPE: Final = 120
_MAX_TEXT: Final = 4000
_MAX_CONTEXT: Final = 65536  # incomingCallContext is 3–12 kB
_MAX_DEPTH: Final = 40
_PREFIXES: Final = ("Microsoft.Communication.", "Microsoft.EventGrid.")
_DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TONES: Final = {**{name: str(digit) for digit, name in enumerate(_DIGITS)}, "pound": "#", "asterisk": "*"}
_SECRETS: Final = frozenset({"incomingcallcontext", "validationcode", "validationurl"})

Json = dict[str, Any]


class EventError(Exception):
    """A body that is no event and no array of events; the message names the fact."""


@dataclass(frozen=True, slots=True)
class Broken:
    """One element that cannot be used: its place in the array, why, and the element if it was an object."""

    index: int
    reason: str
    raw: Json


@dataclass(frozen=True, slots=True)
class ParticipantSeen:
    raw_id: str
    kind: ParticipantKind
    number: str | None
    name: str
    muted: bool
    on_hold: bool


@dataclass(frozen=True, slots=True)
class Roll:
    """Who is on a call according to one ParticipantsUpdated; a later one has a higher number (0 if it has none)."""

    sequence_number: int
    participants: tuple[ParticipantSeen, ...]


@dataclass(frozen=True, slots=True)
class CallbackEvent:
    """One callback. Text that Azure left out is "", numbers and times None.

    `type` has no "Microsoft.Communication." before it. `event_time` is None if absent or unreadable: use the time of
    receipt. `participants` (all who are on the call, the portal's own leg among them) and `sequence_number` come with
    ParticipantsUpdated only; `participant` with what adds, removes or mutes one. `tone` is a key: 0–9 A–D # *.
    """

    id: str
    type: str
    event_time: datetime | None
    call_connection_id: str
    server_call_id: str
    correlation_id: str
    operation_context: str
    code: int | None
    subcode: int | None
    message: str
    participants: tuple[ParticipantSeen, ...] | None
    participant: ParticipantSeen | None
    sequence_number: int | None
    media_status: str
    media_details: str
    tone: str
    raw: Json


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call that rings for 30 s. `incoming_call_context` answers it once, so it is a secret: keep it from screens."""

    caller_raw_id: str
    caller_number: str | None
    caller_kind: ParticipantKind
    caller_name: str
    callee_raw_id: str
    callee_number: str | None
    callee_kind: ParticipantKind
    callee_name: str
    incoming_call_context: str
    server_call_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class GridEvent:
    """One Event Grid event. `validation_code` is set for SubscriptionValidationEvent, `incoming` for IncomingCall."""

    id: str
    type: str
    event_time: datetime | None
    validation_code: str
    validation_url: str
    incoming: IncomingCall | None
    raw: Json


class _ElementError(Exception):
    """Why one element cannot be used."""


def parse_callbacks(body: bytes) -> list[CallbackEvent | Broken]:
    """The events of a callback body, in their order, with Broken where an element cannot be used; raises EventError."""
    events: list[CallbackEvent | Broken] = []
    for index, element in enumerate(_elements(body)):
        try:
            events.append(_callback(element))
        except _ElementError as fault:
            events.append(Broken(index, str(fault), element if isinstance(element, dict) else {}))
    return events


def parse_grid(body: bytes) -> list[GridEvent | Broken]:
    """The events of an Event Grid delivery, either schema, with Broken where one cannot be used; raises EventError."""
    events: list[GridEvent | Broken] = []
    for index, element in enumerate(_elements(body)):
        try:
            events.append(_grid(element))
        except _ElementError as fault:
            events.append(Broken(index, str(fault), element if isinstance(element, dict) else {}))
    return events


def participants_of(raw: Json) -> Roll:
    """The roll in a stored ParticipantsUpdated; empty for any other event."""
    fields = _Fields(raw).fields("data")
    return Roll(fields.whole("sequenceNumber") or 0, _participants(fields.get("participants")) or ())


def stored_grid_event(raw: Json) -> GridEvent:
    """An event that was parsed once, again from its stored raw form."""
    return _grid(raw)


def redacted(raw: Json) -> Json:
    """A copy of a raw event for screens and API answers, without the secrets that answer a call or confirm an URL."""
    return {key: "(withheld)" if key.lower() in _SECRETS else _redacted(value) for key, value in raw.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return redacted(value)
    return [_redacted(element) for element in value] if isinstance(value, list) else value


class _Fields:
    """Look-up in a JSON object that forgives key casing; a missing or wrongly typed member is its empty value."""

    __slots__ = ("_by_name",)

    def __init__(self, mapping: object) -> None:
        self._by_name: dict[str, Any] = {}
        if isinstance(mapping, Mapping):
            for key, value in mapping.items():
                self._by_name.setdefault(key.lower(), value)

    def get(self, *names: str) -> Any:
        return next((self._by_name[name.lower()] for name in names if name.lower() in self._by_name), None)

    def text(self, *names: str, limit: int = _MAX_TEXT) -> str:
        value = self.get(*names)
        return value[:limit] if isinstance(value, str) else ""

    def id(self, *names: str, limit: int) -> str:
        """An id of Azure's; refused if too long to be one, since a cut id could be taken for another."""
        value = self.get(*names)
        if not isinstance(value, str):
            return ""
        if len(value) > limit:
            raise _ElementError(f"its {names[0]} is {len(value)} characters long, more than {limit}")
        return value

    def whole(self, name: str) -> int | None:
        value = self.get(name)
        if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 12:
            value = int(value)
        # What a database's integer column takes.
        fits = isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
        return value if fits else None

    def flag(self, name: str) -> bool:
        return self.get(name) is True

    def fields(self, *names: str) -> "_Fields":
        return _Fields(self.get(*names))


_NOTHING: Final = _Fields(None)


def _elements(body: bytes) -> Iterator[object]:
    if len(body) > MAX_BODY_BYTES:
        raise EventError(f"The body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read.")
    try:
        content = json.loads(body.decode("utf-8-sig"), parse_constant=lambda _name: None)
        content = _storable(content, 0)
    except UnicodeDecodeError as error:
        raise EventError("The body is not UTF-8.") from error
    except RecursionError as error:
        raise EventError("The body is nested too deeply.") from error
    except ValueError as error:
        raise EventError("The body is not JSON.") from error
    if isinstance(content, dict):
        return iter([content])
    if isinstance(content, list):
        if len(content) > MAX_EVENTS:
            raise EventError(f"The body has {len(content)} events; at most {MAX_EVENTS} are read.")
        return iter(content)
    raise EventError("The body is neither an event nor an array of events.")


def _storable(value: Any, depth: int) -> Any:
    """The same JSON without what PostgreSQL's text and jsonb refuse: NUL, lone surrogates, infinite numbers."""
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(element, depth + 1) for element in value]
    if isinstance(value, dict):
        return {_storable(key, depth): _storable(element, depth + 1) for key, element in value.items()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):  # 1e999
        return None
    return value


def _callback(element: object) -> CallbackEvent:
    raw, envelope, event_type = _envelope(element)
    fields = envelope.fields("data")
    result = fields.fields("resultInformation")
    update = fields.fields("mediaStreamingUpdate")
    return CallbackEvent(
        id=_event_id(raw, envelope),
        type=event_type,
        event_time=_time(envelope.get("time", "eventTime")),
        call_connection_id=fields.id("callConnectionId", limit=_MAX_CALL_ID)
        or _connection_in(envelope.text("source", "subject")),
        server_call_id=fields.id("serverCallId", limit=_MAX_TEXT),
        correlation_id=fields.id("correlationId", limit=_MAX_CALL_ID),
        operation_context=fields.text("operationContext", limit=_MAX_ID),
        code=result.whole("code"),
        subcode=result.whole("subCode"),
        message=result.text("message"),
        participants=_participants(fields.get("participants")),
        participant=_participant(fields.get("participant")),
        sequence_number=fields.whole("sequenceNumber"),
        media_status=update.text("mediaStreamingStatus", limit=_MAX_ID),
        media_details=update.text("mediaStreamingStatusDetails", limit=_MAX_ID),
        tone=_tone(fields.text("tone", limit=16)),
        raw=raw,
    )


def _grid(element: object) -> GridEvent:
    raw, envelope, event_type = _envelope(element)
    fields = envelope.fields("data")
    return GridEvent(
        id=_event_id(raw, envelope),
        type=event_type,
        event_time=_time(envelope.get("eventTime", "time")),
        validation_code=fields.text("validationCode"),
        validation_url=fields.text("validationUrl"),
        incoming=_incoming(fields) if event_type == "IncomingCall" else None,
        raw=raw,
    )


def _incoming(fields: _Fields) -> IncomingCall:
    caller = _participant(fields.get("from"))
    callee = _participant(fields.get("to"))
    context = fields.get("incomingCallContext")
    if not isinstance(context, str) or not 0 < len(context) <= _MAX_CONTEXT:
        raise _ElementError("its incomingCallContext is missing or no text of at most 64 KiB: it cannot be answered")
    return IncomingCall(
        caller_raw_id=caller.raw_id if caller else "",
        caller_number=caller.number if caller else None,
        caller_kind=caller.kind if caller else "unknown",
        caller_name=fields.text("callerDisplayName", limit=_MAX_NAME) or (caller.name if caller else ""),
        callee_raw_id=callee.raw_id if callee else "",
        callee_number=callee.number if callee else None,
        callee_kind=callee.kind if callee else "unknown",
        callee_name=callee.name if callee else "",
        incoming_call_context=context,
        server_call_id=fields.id("serverCallId", limit=_MAX_TEXT),
        correlation_id=fields.id("correlationId", limit=_MAX_CALL_ID),
    )


def _envelope(element: object) -> tuple[Json, _Fields, str]:
    if not isinstance(element, dict):
        raise _ElementError("it is not an object")
    envelope = _Fields(element)
    event_type = envelope.id("type", "eventType", limit=_MAX_TYPE)
    for prefix in _PREFIXES:
        if event_type.lower().startswith(prefix.lower()):
            event_type = event_type[len(prefix) :]
    if not event_type:
        raise _ElementError("it has no type")
    return element, envelope, event_type


def _event_id(raw: Json, envelope: _Fields) -> str:
    """Azure's id; without one, a digest of the event, so that a repetition is still known as one."""
    known = envelope.id("id", limit=_MAX_ID)
    if known:
        return known
    return "sha256:" + hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()


def _connection_in(source: str) -> str:
    """The id in `calling/callConnections/{id}` (2022: with `/EventName` behind it); "" for other sources."""
    head, mark, tail = source.partition("calling/callConnections/")
    return "" if head.strip("/") or not mark else tail.split("/")[0][:_MAX_CALL_ID]


def _participants(elements: object) -> tuple[ParticipantSeen, ...] | None:
    """Each listed participant once, by raw id; who cannot be read is left out. None if this is no list."""
    if not isinstance(elements, list):
        return None
    found: dict[str, ParticipantSeen] = {}
    for element in elements:
        member = _Fields(element)
        try:
            participant = _participant(member.get("identifier"), member)
        except _ElementError:
            continue
        if participant:
            found[participant.raw_id] = participant
    return tuple(found.values())


def _participant(identifier: object, member: _Fields = _NOTHING) -> ParticipantSeen | None:
    """An identifier (told by its raw id, as Azure's SDK does, not by `kind`) with what the list says of it."""
    fields = _Fields(identifier)
    phone = fields.fields("phoneNumber").id("value", limit=_MAX_CALL_ID)
    user = fields.fields("communicationUser").id("id", limit=_MAX_RAW_ID)
    raw_id = fields.id("rawId", limit=_MAX_RAW_ID) or (f"4:{phone}" if phone else user)
    if not raw_id:
        return None
    return ParticipantSeen(
        raw_id=raw_id,
        kind=raw_id_kind(raw_id),
        number=raw_id_number(raw_id),
        name=member.text("displayName", limit=_MAX_NAME),
        muted=member.flag("isMuted"),
        on_hold=member.flag("isOnHold"),
    )


def _tone(name: str) -> str:
    return _TONES.get(name.lower(), name.upper())


def _time(value: object) -> datetime | None:
    """ISO 8601 with any number of fractional digits, in UTC; None if absent, unreadable or out of range."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
