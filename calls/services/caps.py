"""How many calls may live at once."""

from django.conf import settings

from calls.errors import Full
from calls.models import Call


def is_full(besides: Call | None = None) -> bool:
    """Whether as many calls live as may. Two that ring in one instant in two processes may both be let in."""
    live = Call.objects.live()
    if besides is not None:
        live = live.exclude(pk=besides.pk)
    return live.count() >= settings.CALLS_AT_ONCE


def full_sentence() -> str:
    return f"{settings.CALLS_AT_ONCE} calls live already, as many as CALLS_AT_ONCE allows."


def refuse_if_full() -> None:
    if is_full():
        raise Full(f"{full_sentence()} Wait until one has ended, or allow more.")
