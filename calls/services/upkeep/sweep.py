"""What every process looks after each 2 s, so that nothing waits for a process that died. Each step is idempotent."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import Error, transaction
from django.utils import timezone
from structlog.contextvars import bind_contextvars, bound_contextvars

from calls.background import act
from calls.errors import CallError
from calls.lifecycle import CALL_ENDED
from calls.models import Call, Command, Injection
from calls.operations.process import draining
from calls.services import inbound
from calls.services.actor import PORTAL
from calls.services.measures import measure_ended_calls
from calls.services.orders import answer
from calls.services.recordings.azure import look_after_azure
from calls.services.recordings.sensitive import end_overdue_moments
from calls.services.recordings.steering import TOLD_TO_OWNER, give_up_unheard
from calls.services.recordings.tracks import leave_silent_takes
from calls.services.sockets import lose_streams
from calls.services.sound import end_orphans, give_up_stop, give_up_unconfirmed
from calls.services.state import fail_command, lock, note, settle
from calls.services.transcripts.azure import close_turns_left, miss_transcripts
from calls.services.upkeep.first_orders import RINGS_FOR, ask_again
from calls.services.upkeep.overlong import end_long_calls
from calls.services.upkeep.resume import resume_streaming
from calls.services.upkeep.unheard import ask_after_quiet_calls, miss_streams

log = logging.getLogger(__name__)

UNCONFIRMED: Final = timedelta(seconds=10)
ORDER_LIFE: Final = timedelta(seconds=12)  # longer than the gateway's own deadline
CALLBACK_LIFE: Final = timedelta(seconds=60)
SILENT_PROCESS: Final = timedelta(seconds=15)  # for what no process counts on for (services.processes)


_waiting_for_database = threading.Event()


def sweep() -> None:
    """One round. A step that fails is logged and does not keep the others from their work."""
    try:
        for step in STEPS:
            _take(step)
    except Error as error:
        if not _waiting_for_database.is_set():
            log.warning("the sweep waits for the database (%s)", type(error).__name__)
        _waiting_for_database.set()
        return
    _waiting_for_database.clear()


def _take(step: Callable[[], None]) -> None:
    try:
        step()
    except Error:
        raise
    except Exception:
        log.exception("the sweep's step %s failed", step.__name__)


def take_waiting() -> None:
    if draining.is_set():
        return  # a call that this process answered now could soon have to be torn from it
    for event_id in inbound.waiting_events():
        act(inbound.take, event_id)  # answering waits for Azure, and many may ring


def end_unanswered() -> None:
    """Azure rings for 30 s and does not tell us when a phone gave up."""
    limit = timezone.now() - RINGS_FOR - timedelta(seconds=1)
    ringing = Call.objects.filter(state=Call.State.RINGING, direction=Call.Direction.INBOUND, ringing_at__lt=limit)
    for call in ringing:
        _conclude(call, Call.State.RINGING, "RingingTimedOut")


def answer_again() -> None:
    """An answer that its process never finished asking for is asked again while the call still rings."""
    now = timezone.now()
    left = Command.objects.filter(
        verb=Command.Verb.ANSWER,
        state=Command.State.QUEUED,
        created_at__lt=now - ORDER_LIFE,
        call__call_connection_id=None,
    )
    for command in left:
        with transaction.atomic():
            call = lock(command.call_id)
            current = Command.objects.filter(pk=command.pk, state=Command.State.QUEUED).first()
            if current is None:
                continue
            fail_command(current, "no_worker", "The process that was to answer is gone.")
            settle(call)
            still_rings = call.ringing_at is not None and now - call.ringing_at < RINGS_FOR
        if still_rings and not call.may("answer"):
            act(_answer, command.call_id)


def _answer(call_id: UUID) -> None:
    bind_contextvars(call=str(call_id))
    try:
        answer(PORTAL, Call.objects.get(pk=call_id))
    except CallError as error:
        log.warning("call %s was not answered: %s", call_id, error.code)


def give_up_orders() -> None:
    """Any other order whose process died before it heard Azure's answer."""
    limit = timezone.now() - ORDER_LIFE
    left = Command.objects.filter(state=Command.State.QUEUED, created_at__lt=limit)
    for command in left.exclude(verb__in=(Command.Verb.STOP_SOUND, Command.Verb.PLACE, *TOLD_TO_OWNER)):
        with transaction.atomic():
            call = lock(command.call_id)
            current = Command.objects.filter(pk=command.pk, state=Command.State.QUEUED).first()
            if current is not None:
                fail_command(current, "no_worker", "The process that had this order is gone. Ask again.")
                settle(call)


def give_up_places() -> None:
    """A call that we asked Azure to dial and of which nothing was heard."""
    limit = timezone.now() - timedelta(seconds=45)
    unheard = Call.objects.filter(
        state=Call.State.CONNECTING, direction=Call.Direction.OUTBOUND, call_connection_id=None, created_at__lt=limit
    )
    for call in unheard:
        _conclude(call, Call.State.CONNECTING, "PlaceRefused", "Azure told nothing of this call for 45 s.")


def _conclude(call: Call, state: Call.State, event_type: str, message: str = "") -> None:
    """The portal's own word on a call of which Azure says nothing; orders for it have nothing to wait for."""
    with bound_contextvars(call=str(call.pk)), transaction.atomic():
        locked = lock(call.pk)
        if locked.state == state and not locked.call_connection_id:
            note(locked, event_type, message=message)
            for command in locked.commands.filter(state__in=(Command.State.QUEUED, Command.State.ACCEPTED)):
                fail_command(command, CALL_ENDED, "Azure told nothing more of this call.")
            settle(locked)


def give_up_sound() -> None:
    limit = timezone.now() - UNCONFIRMED
    for injection in Injection.objects.filter(state=Injection.State.QUEUED, accepted_at=None, queued_at__lt=limit):
        give_up_unconfirmed(injection)
    stops = Command.objects.filter(verb=Command.Verb.STOP_SOUND, state=Command.State.QUEUED, created_at__lt=limit)
    for command in stops:
        give_up_stop(command)


def give_up_callbacks() -> None:
    """An order that Azure accepted and never answered by a callback."""
    limit = timezone.now() - CALLBACK_LIFE
    unanswered = Command.objects.filter(state=Command.State.ACCEPTED, accepted_at__lt=limit)
    for command in unanswered.exclude(verb=Command.Verb.PLACE):  # a phone may ring longer
        with transaction.atomic():
            call = lock(command.call_id)
            current = Command.objects.filter(pk=command.pk, state=Command.State.ACCEPTED).first()
            if current is None:
                continue
            if current.verb == Command.Verb.HANG_UP:
                # Azure took the order, so the call is over, and the event that should say so is lost.
                note(call, "CallGone")
            else:
                fail_command(current, "no_callback", "Azure accepted the order, but said nothing more for 60 s.")
            settle(call)


def lose_silent_streams() -> None:
    lose_streams(SILENT_PROCESS)
    end_orphans(timedelta(seconds=settings.STREAM_KEEP_S) + SILENT_PROCESS)


STEPS: Final = (
    take_waiting,
    end_unanswered,
    ask_again,
    answer_again,
    give_up_orders,
    give_up_places,
    give_up_sound,
    give_up_callbacks,
    lose_silent_streams,
    resume_streaming,
    ask_after_quiet_calls,
    miss_streams,
    end_long_calls,
    give_up_unheard,
    leave_silent_takes,
    end_overdue_moments,
    look_after_azure,
    measure_ended_calls,
    close_turns_left,
    miss_transcripts,
)
