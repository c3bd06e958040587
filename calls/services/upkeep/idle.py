"""A stream that brings no sound for too long: the portal has Azure stop it, and the timeline says why."""

import logging
from uuid import UUID

from django.db import transaction

from calls.background import act
from calls.errors import CallError
from calls.models import Call, CallEvent, StreamSession
from calls.services.actor import PORTAL
from calls.services.orders import stop_streaming
from calls.services.state import lock, note

log = logging.getLogger(__name__)


def end_idle_stream(session_id: UUID, idle_s: float) -> None:
    """Notes the end and asks Azure, in a thread of its own, to stop; what was stopped is not started by itself."""
    with transaction.atomic():
        call = lock(StreamSession.objects.values_list("call", flat=True).get(pk=session_id))
        if not StreamSession.objects.filter(pk=session_id, state=StreamSession.State.OPEN).exists():
            return
        words = f"it has brought no sound for {idle_s:.0f} s. Start streaming when there is something to hear."
        note(call, "StreamIdle", source=CallEvent.Source.STREAM, message=words, raw={"stream": str(session_id)})
    act(_stop, call.pk)


def _stop(call_id: UUID) -> None:
    try:
        stop_streaming(PORTAL, Call.objects.get(pk=call_id))
    except CallError as error:
        log.warning("call %s brings no sound and could not be stopped: %s", call_id, error.code)
