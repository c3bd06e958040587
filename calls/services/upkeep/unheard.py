"""What Azure should have told us and did not: it is asked, or after a while taken as not having happened."""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from calls.background import act
from calls.errors import GatewayError
from calls.gateway import gateway
from calls.models import Call, CallEvent, Command, StreamSession
from calls.operations.figures import asking_azure
from calls.services.state import lock, note, settle

log = logging.getLogger(__name__)

# A call without socket and news may have ended without our hearing of it, such as while the portal was down.
QUIET: Final = timedelta(seconds=20)
ASKED_AFTER_EVERY: Final = timedelta(seconds=60)
# One that we answered connects within a second or two; if the event is lost, people wait for it. One that we place may
# ring for long, and be answered at any moment.
QUIET_CONNECTING: Final = timedelta(seconds=6)
CONNECTING_ASKED_AFTER_EVERY: Final = timedelta(seconds=10)
ASKED_AFTER_AT_ONCE: Final = 4  # of the threads that also answer calls
SOCKET_WITHIN: Final = timedelta(seconds=20)


def ask_after_quiet_calls() -> None:
    """A step of the sweep. What we saw and did ourselves is no news of a call."""
    now = timezone.now()
    connecting = ~Q(state=Call.State.CONNECTED)
    not_lately = (
        Q(asked_after_at=None)
        | Q(asked_after_at__lt=now - ASKED_AFTER_EVERY)
        | (connecting & Q(asked_after_at__lt=now - CONNECTING_ASKED_AFTER_EVERY))
    )
    told = CallEvent.objects.filter(call=OuterRef("pk")).exclude(source=CallEvent.Source.PORTAL)
    sockets = StreamSession.objects.filter(call=OuterRef("pk"), state=StreamSession.State.OPEN)
    quiet = Q(created_at__lt=now - QUIET) & ~Exists(told.filter(received_at__gte=now - QUIET))
    unheard = ~Exists(told.filter(received_at__gte=now - QUIET_CONNECTING))
    unsure = connecting & Q(created_at__lt=now - QUIET_CONNECTING) & unheard
    found = Call.objects.live().filter(quiet | unsure, not_lately).exclude(call_connection_id=None)
    longest_not_asked = found.exclude(Exists(sockets)).order_by(F("asked_after_at").asc(nulls_first=True), "created_at")
    for call in longest_not_asked[:ASKED_AFTER_AT_ONCE]:
        if Call.objects.filter(not_lately, pk=call.pk).update(asked_after_at=now) == 1:
            act(_ask_after, call.pk, call.call_connection_id or "")


def _ask_after(call_id: UUID, connection_id: str) -> None:
    bind_contextvars(call=str(call_id))
    try:
        with asking_azure("ask_after"):
            state = gateway().state_of(connection_id)
    except GatewayError as error:
        log.info("call %s could not be asked after: %s", call_id, error.code)
        return
    with transaction.atomic():
        call = lock(call_id)
        if not call.is_live:
            return
        if not state:
            note(call, "CallGone")
        elif state == "connected" and call.state != Call.State.CONNECTED:
            note(call, "CallFound", message="Azure said so when asked; the event that tells it did not come.")
        settle(call)


def miss_streams() -> None:
    """A step of the sweep: a media socket that should have come by itself and did not is taken for failed.

    What was asked for in mid-call has an order that ends by itself.
    """
    limit = timezone.now() - SOCKET_WITHIN
    news = CallEvent.objects.filter(call=OuterRef("pk"), type="MediaStreamingStarted", event_time__gte=limit)
    orders = Command.objects.filter(
        call=OuterRef("pk"),
        verb=Command.Verb.START_STREAMING,
        state__in=(Command.State.QUEUED, Command.State.ACCEPTED),
    )
    waiting = Call.objects.filter(
        state=Call.State.CONNECTED, streaming_state=Call.Streaming.STARTING, connected_at__lt=limit
    )
    for call_id in waiting.exclude(Exists(news)).exclude(Exists(orders)).values_list("pk", flat=True):
        with transaction.atomic():
            call = lock(call_id)
            if call.streaming_state == Call.Streaming.STARTING:
                note(call, "StreamMissing", message=f"Azure opened no media socket within {SOCKET_WITHIN.seconds} s.")
                settle(call)
