"""A media socket's life in the database: let in, opened, described, closed, or lost with its process."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, Q, QuerySet
from django.utils import timezone

from calls import commands, live
from calls.errors import NotAllowed, NotFound
from calls.models import Call, CallEvent, Command, Injection, Process, StreamSession, UsedMediaToken
from calls.profiles import StreamingProfile
from calls.selectors import label_of, stream_json
from calls.services.keeping import REPLACED as REPLACED_REASON
from calls.services.keeping import kept_again, kept_from_the_start
from calls.services.recordings.tracks import take_back
from calls.services.sound import order_of
from calls.services.state import bind_connection, lock, note, settle

log = logging.getLogger(__name__)

END_OF_TIME_S: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
LOST_AT_ONCE: Final = 25
HELD_KEY: Final = "•"
REPLACED = commands.CloseSocket(1000, REPLACED_REASON)


class NotLetIn(NotAllowed):
    """A socket that is refused; `code` says why in one word: call_over, no_connection, other_connection, token_used."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Caller:
    """Who knocks at a door for Azure's sockets: what stood in the headers, already checked."""

    connection_id: str
    correlation_id: str
    token_digest: str = ""
    token_expires_at: float = 0.0
    enforce: bool = True


@dataclass(frozen=True, slots=True)
class OpenStream:
    """What the endpoint needs of a session that it may serve."""

    session_id: UUID
    call_id: UUID
    number: int
    profile: StreamingProfile
    keep: tuple[commands.KeepingOrder, ...] = ()
    """What is to be kept of its sound, as orders that hold from its first frame."""


def open_stream(call_id: UUID, caller: Caller, owner: str) -> OpenStream:
    """Lets one media socket in: binds its connection id, spends its JWT, replaces an older socket.

    Raises NotFound (no such call) and NotLetIn.
    """
    with transaction.atomic():
        call = admitted(call_id, caller)
        older = _open_streams(call)
        number = (call.streams.aggregate(Max("number"))["number__max"] or 0) + 1
        session = StreamSession.objects.create(
            call=call, number=number, owner=owner, channel_type=call.channel_type, bidirectional=call.bidirectional
        )
        for each in older:
            _close(each, 1000, REPLACED.reason)
            transaction.on_commit(lambda replaced=each.pk: commands.send(replaced, REPLACED))  # type: ignore[misc]
        note(call, "StreamOpened", source=CallEvent.Source.STREAM, raw={"stream": str(session.pk), "number": number})
        settle(call)
        for each in (*older, session):
            live.announce(call.pk, "stream_state", stream=stream_json(each), owner=each.owner)
        keep = kept_from_the_start(call, owner)
        return OpenStream(session.pk, call.pk, number, call.profile, keep)


def admitted(call_id: UUID, caller: Caller) -> Call:
    """The call whose socket this may be, with its connection id bound and the JWT spent. Inside a transaction.

    Raises NotFound (no such call) and NotLetIn.
    """
    try:
        call = lock(call_id)
    except Call.DoesNotExist as error:
        raise NotFound("There is no such call.") from error
    if not call.is_live:
        raise NotLetIn("call_over", "The call is over.")
    if caller.enforce and not caller.connection_id:
        raise NotLetIn("no_connection", "The socket names no call connection.")
    try:
        bind_connection(call, caller.connection_id, correlation_id=caller.correlation_id)
    except NotAllowed as error:
        raise NotLetIn("other_connection", error.message) from error
    _spend(call, caller)
    return call


def _spend(call: Call, caller: Caller) -> None:
    if not caller.token_digest:
        return
    expires_at = datetime.fromtimestamp(min(caller.token_expires_at, END_OF_TIME_S), UTC)
    try:
        with transaction.atomic():
            UsedMediaToken.objects.create(digest=caller.token_digest, call=call, expires_at=expires_at)
    except IntegrityError as error:
        if caller.enforce:
            raise NotLetIn("token_used", "This token opened a socket before.") from error
        log.warning("socket of call %s: its token opened a socket before", call.pk)


def waiting_orders(session_id: UUID) -> list[commands.Order]:
    """What a socket may have missed while it could not be reached: that it was replaced, or sounds to play.

    Sounds that were queued before somebody asked to stop the sound stay unplayed.
    """
    session = StreamSession.objects.get(pk=session_id)
    if session.state == StreamSession.State.CLOSED:
        return [REPLACED]
    waiting = Injection.objects.filter(call=session.call_id, state=Injection.State.QUEUED, accepted_at=None)
    stops = Command.objects.filter(call=session.call_id, verb=Command.Verb.STOP_SOUND).order_by("-created_at")
    stopped_at = stops.values_list("created_at", flat=True).first()
    if stopped_at is not None:
        waiting = waiting.filter(queued_at__gt=stopped_at)
    sounds = [order_of(each) for each in waiting.select_related("clip").order_by("queued_at", "id")]
    return [*kept_again(session), *sounds]


def sign_of_life(session_ids: Collection[UUID]) -> None:
    """Says that these sockets are open. One that was given up, as nobody could hear of it, is open again."""
    sessions = StreamSession.objects.filter(pk__in=session_ids)
    sessions.filter(state=StreamSession.State.OPEN).update(seen_at=timezone.now())
    for session_id, call_id in sessions.filter(state=StreamSession.State.LOST).values_list("pk", "call_id"):
        with transaction.atomic():
            call = lock(call_id)
            session = StreamSession.objects.get(pk=session_id)
            if call.streams.filter(number__gt=session.number).exists():
                continue
            session.state, session.closed_at, session.seen_at = StreamSession.State.OPEN, None, timezone.now()
            session.save(update_fields=["state", "closed_at", "seen_at"])
            note(call, "StreamFound", source=CallEvent.Source.STREAM, raw={"stream": str(session.pk)})
            take_back(call, session)
            settle(call)
            live.announce(call.pk, "stream_state", stream=stream_json(session))


def describe_stream(session_id: UUID, facts: dict[str, Any], *, announce: bool) -> None:
    """Writes what the socket has told of itself so far; also the sign of life of its process."""
    with transaction.atomic():
        session = StreamSession.objects.get(pk=session_id)
        lock(session.call_id)
        StreamSession.objects.filter(pk=session_id).update(seen_at=timezone.now(), **facts)
        if announce:
            session.refresh_from_db()
            live.announce(session.call_id, "stream_state", stream=stream_json(session))


def _open_streams(call: Call) -> list[StreamSession]:
    return list(call.streams.filter(state=StreamSession.State.OPEN))


def key_pressed(session_id: UUID, tone: str, raw_id: str) -> None:
    with transaction.atomic():
        call = lock(StreamSession.objects.values_list("call", flat=True).get(pk=session_id))
        who = label_of(call, raw_id) if raw_id else "Caller"
        key = HELD_KEY if call.is_sensitive else tone  # card numbers are typed as well as spoken
        note(
            call,
            "DtmfPressed",
            source=CallEvent.Source.STREAM,
            message=f"{who} pressed {'a key' if call.is_sensitive else tone}",
            raw={"tone": key, "raw_id": raw_id},
        )
        live.announce(call.pk, "dtmf", tone=key, raw_id=raw_id)


def close_stream(session_id: UUID, code: int, reason: str, facts: dict[str, Any]) -> None:
    """The socket is gone. The first word on its close stays."""
    with transaction.atomic():
        session = StreamSession.objects.get(pk=session_id)
        call = lock(session.call_id)
        StreamSession.objects.filter(pk=session_id).update(seen_at=timezone.now(), **facts)
        session.refresh_from_db()
        if session.state == StreamSession.State.OPEN:
            _close(session, code, reason)
            note(
                call,
                "StreamClosed",
                source=CallEvent.Source.STREAM,
                code=code,
                message=reason,
                raw={"stream": str(session.pk), "number": session.number},
            )
        settle(call)
        live.announce(call.pk, "stream_state", stream=stream_json(session))


def _close(session: StreamSession, code: int, reason: str) -> None:
    session.state = StreamSession.State.CLOSED
    session.closed_at, session.close_code, session.close_reason = timezone.now(), code, reason[:200]
    session.save(update_fields=["state", "closed_at", "close_code", "close_reason"])


def lose_streams(silent_for: timedelta) -> int:
    """Marks as lost each open session that gave no sign of life for `silent_for`, and whose process nobody watches."""
    limit = timezone.now() - silent_for
    silent = StreamSession.objects.filter(state=StreamSession.State.OPEN, seen_at__lt=limit)
    lost = _lose(silent.exclude(owner__in=Process.objects.values("name")))
    for session in lost:
        _tell_loss(session)
    return len(lost)


def lose_streams_of(process: Process) -> int:
    """Marks as lost what a process that is gone had open.

    Also what a newer socket seemed to replace after the process fell silent: had it lived, it would have closed it.
    """
    still_silent = Process.objects.filter(pk=process.pk, beats=process.beats)
    replaced = Q(state=StreamSession.State.CLOSED, close_reason=REPLACED.reason, closed_at__gt=process.seen_at)
    left = StreamSession.objects.filter(Q(state=StreamSession.State.OPEN) | replaced, owner=process.pk)
    lost = _lose(left.filter(Exists(still_silent)))
    # Whoever marked some of them may have died before it told of them.
    for session in StreamSession.objects.filter(owner=process.pk, state=StreamSession.State.LOST):
        _tell_loss(session)
    return len(lost)


def _lose(left: "QuerySet[StreamSession]") -> list[StreamSession]:
    """The mark itself, many at a time: a process may have had a hundred, and each page is to show it within seconds.

    Several processes may do this at once. Who finds a call busy leaves it for the end, so that nobody waits for a call
    while holding another.
    """
    lost: list[StreamSession] = []
    idle = Call.objects.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    while True:
        with transaction.atomic():
            marked = _mark_lost(left, list(idle.filter(pk__in=left.values("call"))[:LOST_AT_ONCE]))
        if not marked:
            break
        lost += marked
    for call_id in set(left.values_list("call", flat=True)):
        with transaction.atomic():
            lost += _mark_lost(left, [lock(call_id)])
    return lost


def _mark_lost(left: "QuerySet[StreamSession]", calls: list[Call]) -> list[StreamSession]:
    """Under the locks of these calls."""
    found = list(left.filter(call__in=calls))
    for session in found:
        session.state, session.closed_at = StreamSession.State.LOST, session.closed_at or timezone.now()
        session.close_code, session.close_reason = None, ""
    StreamSession.objects.bulk_update(found, ["state", "closed_at", "close_code", "close_reason"])
    for session in found:
        live.announce(session.call_id, "stream_state", stream=stream_json(session), owner=session.owner)
    return found


def _tell_loss(session: StreamSession) -> None:
    """What a loss means for its call, unless that was said before."""
    with transaction.atomic():
        call = lock(session.call_id)
        said = call.events.filter(type="StreamLost", raw__stream=str(session.pk), event_time__gte=session.closed_at)
        still = call.streams.filter(pk=session.pk, state=StreamSession.State.LOST)
        if still.exists() and not said.exists():
            raw = {"stream": str(session.pk), "number": session.number, "owner": session.owner}
            note(call, "StreamLost", source=CallEvent.Source.STREAM, raw=raw)
            settle(call)
