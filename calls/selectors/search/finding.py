"""Which calls people look for, besides by what was said on them: the same for the search, for lists and for exports."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from calls.models import Call, Participant, Segment, Tag
from calls.visibility import Viewer

_GROUPING: Final = re.compile(r"[\s().-]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is left empty narrows nothing. `number` is any part of the caller's or callee's; `participant` is who said
    it: caller, callee, or any part of a name, number or raw id. A call must have all of `tags`. `about` is any part of
    a number, a name, the policy or the end."""

    q: str = ""
    since: datetime | None = None
    until: datetime | None = None
    number: str = ""
    participant: str = ""
    min_s: float | None = None
    max_s: float | None = None
    policy: str = ""
    tags: tuple[str, ...] = ()
    direction: str = ""
    state: str = ""
    about: str = ""


def calls_that(viewer: Viewer, wanted: Wanted) -> QuerySet[Call]:
    """The calls that the viewer sees and that fit, whatever was said on them; in no order."""
    calls: QuerySet[Call] = Call.objects.visible_to(viewer).order_by()
    if wanted.state:
        calls = calls.filter(state__in=Call.LIVE_STATES if wanted.state == "live" else [wanted.state])
    if wanted.since:
        calls = calls.filter(created_at__gte=wanted.since)
    if wanted.until:
        calls = calls.filter(created_at__lt=wanted.until)
    number = _GROUPING.sub("", clean(wanted.number))
    if number:
        calls = calls.filter(Q(caller__icontains=number) | Q(callee__icontains=number))
    if wanted.about:
        calls = calls.filter(about(wanted.about))
    if wanted.policy:
        calls = calls.filter(policy_name__iexact=clean(wanted.policy))
    if wanted.direction:
        calls = calls.filter(direction=wanted.direction)
    for name in wanted.tags:
        calls = tagged(calls, name)
    return _as_long(calls, wanted.min_s, wanted.max_s)


def about(words: str) -> Q:
    """Numbers match however they are grouped; names, policies and ends by any part."""
    words = clean(words)
    found = Q(policy_name__icontains=words) | Q(caller_name__icontains=words) | Q(end_text__icontains=words)
    digits = "".join(letter for letter in words if letter.isdigit())
    if len(digits) >= 3 and not any(letter.isalpha() for letter in words):
        found |= Q(caller__contains=digits) | Q(callee__contains=digits)
    return found


def clean(text: str) -> str:
    """Without what no database takes: the zero character, and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def tagged(calls: QuerySet[Call], name: str) -> QuerySet[Call]:
    rows = Tag.calls.through.objects.filter(call_id=OuterRef("pk"), tag__name__iexact=clean(name).strip())
    return calls.filter(Exists(rows))


def said_by(segments: QuerySet[Any], who: str) -> QuerySet[Any]:
    """The segments of one side or person."""
    who = clean(who).strip()
    if not who:
        return segments
    number = _GROUPING.sub("", who)
    people = Participant.objects.filter(call_id=OuterRef("call_id"), raw_id=OuterRef("raw_id"))
    found = Q(raw_id__iexact=who) | Q(Exists(people.filter(name__icontains=who)))
    if len(number) >= 3:
        found |= Q(raw_id__icontains=number) | Q(Exists(people.filter(number__contains=number)))
    side = {"caller": "call__caller_raw_id", "callee": "call__callee_raw_id"}.get(who.lower())
    if side:
        found |= Q(raw_id=F(side))
    found |= Q(call__caller_name__icontains=who, raw_id=F("call__caller_raw_id"))
    return segments.filter(found)


def tag_names() -> list[str]:
    """Every tag that some call has."""
    used = Tag.objects.filter(Exists(Tag.calls.through.objects.filter(tag_id=OuterRef("pk"))))
    return list(used.values_list("name", flat=True))


def spoken(viewer: Viewer) -> QuerySet[Any]:
    """What can be searched: what was said, as it is known finally."""
    seen: QuerySet[Any] = Segment.objects.visible_to(viewer)
    return seen.filter(final=True, kind=Segment.Kind.SPEECH)


def _as_long(calls: QuerySet[Call], min_s: float | None, max_s: float | None) -> QuerySet[Call]:
    """Calls that were talked on for so long, up to now for those that live."""
    if min_s is None and max_s is None:
        return calls
    length = ExpressionWrapper(Coalesce("ended_at", Now()) - F("connected_at"), output_field=DurationField())
    calls = calls.filter(connected_at__isnull=False).annotate(length=length)
    if min_s is not None:
        calls = calls.filter(length__gte=timedelta(seconds=min_s))
    return calls if max_s is None else calls.filter(length__lte=timedelta(seconds=max_s))
