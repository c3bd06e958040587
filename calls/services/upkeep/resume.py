"""Streaming that was wanted and broke off is started again: after a process died, or while the portal was away.

Whether Azure dials a broken media socket again is documented nowhere (protocol sheet, 1.6), so it gets a moment to do
so. Then it is asked to start, and if it thinks that it streams already, to stop first. What somebody stopped stays
stopped.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from calls.background import act
from calls.counters import count
from calls.errors import CallError
from calls.models import Call, Command, StreamSession
from calls.services.actor import Actor
from calls.services.orders import ask_for_streaming, write_order
from calls.services.state import lock, note

log = logging.getLogger(__name__)

START: Final = Command.Verb.START_STREAMING
STOP: Final = Command.Verb.STOP_STREAMING
# Its orders are told apart from all others: they say nothing of what is wanted.
MENDER: Final = Actor("portal", "portal, after a break")
# Before the first try Azure may dial by itself; before each further one there is more time.
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (4, 10, 15, 20, 40, 60))
FIRST_DIAL: Final = timedelta(seconds=10)
STOP_LIFE: Final = timedelta(seconds=5)
# A socket that brought so much has shown that streaming works: what breaks after it is counted anew.
STEADY_FRAMES: Final = 1_000
AT_ONCE: Final = 4  # of the threads that also answer calls
REFUSED: Final = "azure_refused"


@dataclass(frozen=True, slots=True)
class Try:
    """What is to be asked of Azure now, and what the call's timeline says of it."""

    verb: Command.Verb
    message: str


@dataclass(frozen=True, slots=True)
class Silence:
    """A call's time without a socket: since when, when something was tried or broke last, when a socket opened last.

    `is_first` if none has broken since streaming was asked for: then Azure may still be about to dial.
    """

    began_at: datetime
    news_at: datetime
    opened_at: datetime
    is_first: bool


def resume_streaming() -> None:
    """A step of the sweep. All processes may take it at once: the order's row, under the call's lock, is the claim."""
    now = timezone.now()
    calls = Call.objects.filter(state=Call.State.CONNECTED, connected_at__lt=now - WAITS[0])
    open_now = StreamSession.objects.filter(call=OuterRef("pk"), state=StreamSession.State.OPEN)
    silent = calls.exclude(call_connection_id=None).exclude(Exists(open_now)).order_by("created_at")
    due = (call.pk for call in silent.prefetch_related("streams", "commands") if next_try(call, now))
    for call_id in islice(due, AT_ONCE):
        act(_try, call_id)


def next_try(call: Call, now: datetime) -> Try | None:
    """What to ask Azure for a call whose stream broke off; None if all is as it should be, or still may become so."""
    streams = list(call.streams.all())
    orders = sorted(
        (each for each in call.commands.all() if each.verb in {START, STOP}), key=lambda each: each.created_at
    )
    wishes = [each for each in orders if (each.asked_kind, each.asked_by) != (MENDER.kind, MENDER.name)]
    wanted = wishes[-1].verb == START if wishes else call.streaming_start == "now"
    is_open = any(each.state == StreamSession.State.OPEN for each in streams)
    asking = any(each.state == Command.State.QUEUED for each in orders)
    ending = any(each.verb == Command.Verb.HANG_UP and each.is_pending for each in call.commands.all())
    if call.state != Call.State.CONNECTED or call.connected_at is None:
        return None
    if not wanted or is_open or asking or ending:
        return None
    asked_at = max([call.connected_at, *(each.created_at for each in wishes)])
    ends = [each.closed_at for each in streams if each.closed_at]
    steady = [each.closed_at for each in streams if each.closed_at and each.frames_received >= STEADY_FRAMES]
    own = [each for each in orders if each not in wishes and each.created_at > max([asked_at, *steady])]
    silence = Silence(
        began_at=max([call.connected_at, *ends]),
        news_at=max([asked_at, *ends, *(each.created_at for each in own)]),
        opened_at=max((each.opened_at for each in streams), default=asked_at),
        is_first=not any(end > asked_at for end in ends),
    )
    return _after(own, silence, now)


def _after(own: list[Command], silence: Silence, now: datetime) -> Try | None:
    """What follows on the tries so far."""
    tries = sum(each.verb == START for each in own)
    if tries == len(WAITS):
        return None
    silent_s = (now - silence.began_at).total_seconds()
    again = Try(START, f"{silent_s:.0f} s without a media socket, try {tries + 1} of {len(WAITS)}.")
    last = own[-1] if own else None
    if last is not None and last.verb == STOP:
        answered = last.state != Command.State.ACCEPTED or now - last.created_at > STOP_LIFE
        return again if answered else None
    refused = last is not None and last.error_code == REFUSED
    wait = FIRST_DIAL if silence.is_first and not tries else timedelta() if refused and tries == 1 else WAITS[tries]
    if now - silence.news_at < wait:
        return None
    # It took the order, and yet nothing was dialled.
    idle = last is not None and last.state != Command.State.FAILED and silence.opened_at < last.created_at
    if refused or idle:
        return Try(STOP, "Azure thinks that it streams already, and is asked to stop first.")
    return again


def _try(call_id: UUID) -> None:
    with transaction.atomic():
        call = lock(call_id)
        found = next_try(call, timezone.now())
        if found is None or not call.call_connection_id:
            return  # another process was faster, or the socket came
        note(call, "StreamingResumed", message=found.message)
        command = write_order(MENDER, call, found.verb)
    count("streaming_resumed")
    log.warning("call %s: %s (%s)", call_id, found.message, found.verb)
    try:
        ask_for_streaming(command, call.call_connection_id)
    except CallError as error:
        log.warning("call %s: streaming could not be mended: %s", call_id, error.code)
