"""Calls that have lasted as long as a call may: the portal hangs up, and the call's end says why."""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls.background import act
from calls.errors import CallError
from calls.models import Call, Command
from calls.services.actor import PORTAL
from calls.services.orders import ask_to_hang_up, order
from calls.services.state import lock, note

log = logging.getLogger(__name__)

HUNG_UP_AGAIN_AFTER: Final = timedelta(seconds=30)


def end_long_calls() -> None:
    """Each round of the sweep: hangs up calls that have lasted CALL_LONGEST_S."""
    limit = timezone.now() - timedelta(seconds=settings.CALL_LONGEST_S)
    for call_id in Call.objects.filter(state=Call.State.CONNECTED, connected_at__lt=limit).values_list("pk", flat=True):
        act(_end_long_call, call_id)


def _end_long_call(call_id: UUID) -> None:
    with transaction.atomic():
        call = lock(call_id)
        asked = call.commands.filter(verb=Command.Verb.HANG_UP)
        lately = asked.filter(created_at__gt=timezone.now() - HUNG_UP_AGAIN_AFTER)
        if call.may("hang_up") or lately.exists() or asked.exclude(state=Command.State.FAILED).exists():
            return
        if not call.events.filter(type="CallTooLong").exists():
            note(call, "CallTooLong", message=f"It had lasted {_spoken(settings.CALL_LONGEST_S)}, the longest allowed.")
        command = order(PORTAL, call, "hang_up")
    try:
        ask_to_hang_up(call, command)
    except CallError as error:
        log.warning("call %s has lasted too long and was not hung up: %s", call_id, error.code)


def _spoken(seconds: int) -> str:
    """14400 → `4 hours`, 5400 → `90 minutes`, 45 → `45 s`."""
    for size, name in ((3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} s"
