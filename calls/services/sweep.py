"""What every process looks after each 2 s, so that nothing waits for a process that died. Each step is idempotent."""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from calls.background import act
from calls.errors import CallError, GatewayError
from calls.gateway import gateway
from calls.lifecycle import CALL_ENDED
from calls.models import Call, CallEvent, Command, Injection, StreamSession, UsedMediaToken
from calls.services import inbound
from calls.services.actor import PORTAL
from calls.services.orders import answer
from calls.services.sockets import lose_streams
from calls.services.sound import end_orphans, give_up_stop, give_up_unconfirmed
from calls.services.state import fail_command, lock, note, settle

log = logging.getLogger(__name__)

UNCONFIRMED: Final = timedelta(seconds=10)
ORDER_LIFE: Final = timedelta(seconds=12)  # longer than the gateway's own deadline
CALLBACK_LIFE: Final = timedelta(seconds=60)
SILENT_PROCESS: Final = timedelta(seconds=15)
# A call without socket and news may have ended without our hearing of it, such as while the portal was down.
QUIET: Final = timedelta(seconds=20)
ASKED_AFTER_EVERY: Final = timedelta(seconds=60)
ASKED_AFTER_AT_ONCE: Final = 4  # of the threads that also answer calls


def sweep() -> None:
    """One round. A step that fails is logged and does not keep the others from their work."""
    for step in STEPS:
        try:
            step()
        except DatabaseError:
            raise
        except Exception:
            log.exception("the sweep's step %s failed", step.__name__)


def take_waiting() -> None:
    for event_id in inbound.waiting_events():
        act(inbound.take, event_id)  # answering waits for Azure, and many may ring


def end_unanswered() -> None:
    """Azure rings for 30 s and does not tell us when a phone gave up."""
    limit = timezone.now() - inbound.RINGS_FOR - timedelta(seconds=1)
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
            still_rings = call.ringing_at is not None and now - call.ringing_at < inbound.RINGS_FOR
        if still_rings and not call.may("answer"):
            act(_answer, command.call_id)


def _answer(call_id: UUID) -> None:
    try:
        answer(PORTAL, Call.objects.get(pk=call_id))
    except CallError as error:
        log.warning("call %s was not answered: %s", call_id, error.code)


def give_up_orders() -> None:
    """Any other order whose process died before it heard Azure's answer."""
    limit = timezone.now() - ORDER_LIFE
    left = Command.objects.filter(state=Command.State.QUEUED, created_at__lt=limit)
    for command in left.exclude(verb__in=(Command.Verb.STOP_SOUND, Command.Verb.PLACE)):
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
    with transaction.atomic():
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


def ask_after_quiet_calls() -> None:
    now = timezone.now()
    not_lately = Q(asked_after_at=None) | Q(asked_after_at__lt=now - ASKED_AFTER_EVERY)
    news = CallEvent.objects.filter(call=OuterRef("pk"), received_at__gte=now - QUIET)
    sockets = StreamSession.objects.filter(call=OuterRef("pk"), state=StreamSession.State.OPEN)
    quiet = Call.objects.live().filter(not_lately, created_at__lt=now - QUIET).exclude(call_connection_id=None)
    longest_not_asked = (
        quiet.exclude(Exists(news))
        .exclude(Exists(sockets))
        .order_by(F("asked_after_at").asc(nulls_first=True), "created_at")
    )
    for call in longest_not_asked[:ASKED_AFTER_AT_ONCE]:
        if Call.objects.filter(not_lately, pk=call.pk).update(asked_after_at=now) == 1:
            act(_ask_after, call.pk, call.call_connection_id or "")


def _ask_after(call_id: UUID, connection_id: str) -> None:
    try:
        known = gateway().is_known(connection_id)
    except GatewayError as error:
        log.info("call %s could not be asked after: %s", call_id, error.code)
        return
    if known:
        return
    with transaction.atomic():
        call = lock(call_id)
        if call.is_live:
            note(call, "CallGone")
            settle(call)


def forget_tokens() -> None:
    UsedMediaToken.objects.filter(expires_at__lt=timezone.now()).delete()


def lose_silent_streams() -> None:
    lose_streams(SILENT_PROCESS)
    end_orphans(timedelta(seconds=settings.STREAM_KEEP_S) + SILENT_PROCESS)


STEPS: Final = (
    take_waiting,
    end_unanswered,
    answer_again,
    give_up_orders,
    give_up_places,
    give_up_sound,
    give_up_callbacks,
    lose_silent_streams,
    ask_after_quiet_calls,
    forget_tokens,
)
