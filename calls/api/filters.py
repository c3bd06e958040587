"""What the list of calls can be narrowed to."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter

from calls.errors import BadInput
from calls.models import AuditEntry, Call
from calls.numbers import as_stored
from calls.selectors.search import tagged

_GROUPING = re.compile(r"[\s().-]")
# A plus sign that was not quoted in the address arrives as a space.
_LOST_PLUS = re.compile(r"(T.*) (\d\d:?\d\d)$")


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A point in time in ISO 8601, taken as UTC if it names no zone."""

    def clean(self, value: str | None) -> datetime | None:
        fault = ValidationError("Give a time in ISO 8601, such as 2026-11-20T10:00:00Z.")
        try:
            moment: datetime | None = super().clean(_LOST_PLUS.sub(r"\1+\2", value) if value else value)
            return moment.astimezone(UTC) if moment else None
        except (ValidationError, OverflowError, ValueError):
            raise fault from None


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class CallFilter(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.MultipleChoiceFilter(
        choices=Call.State.choices, help_text="One or more, as state=ringing&state=connected."
    )
    direction = django_filters.ChoiceFilter(choices=Call.Direction.choices, help_text="inbound or outbound.")
    caller = django_filters.CharFilter(method="by_number", max_length=128, help_text="Any part of the number.")
    callee = django_filters.CharFilter(method="by_number", max_length=128, help_text="Any part of the number.")
    since = MomentFilter(field_name="created_at", lookup_expr="gte", help_text="Calls that came at or after this time.")
    until = MomentFilter(field_name="created_at", lookup_expr="lt", help_text="Calls that came before this time.")
    tag = django_filters.CharFilter(method="by_tag", max_length=40, help_text="The call has this tag.")
    q = django_filters.CharFilter(
        method="by_words", max_length=128, help_text="Part of a number, name, policy or end, or one of the call's ids."
    )

    class Meta:
        model = Call
        fields: tuple[str, ...] = ()

    def by_number(self, calls: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        return calls.filter(**{f"{name}__contains": _GROUPING.sub("", value)})

    def by_tag(self, calls: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        return tagged(calls, value)

    def by_words(self, calls: QuerySet[Call], name: str, value: str) -> QuerySet[Call]:
        words = value.strip()
        found = (
            Q(caller_name__icontains=words)
            | Q(policy_name__icontains=words)
            | Q(end_text__icontains=words)
            | Q(call_connection_id=words)
            | Q(correlation_id=words)
        )
        number = _GROUPING.sub("", words)
        if number:
            found |= Q(caller__icontains=number) | Q(callee__icontains=number)
        with suppress(ValueError):
            found |= Q(pk=UUID(words))
        return calls.filter(found)


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]
    actor = django_filters.CharFilter(lookup_expr="icontains", max_length=150, help_text="Any part of the name.")
    action = django_filters.CharFilter(max_length=32, help_text="Such as hang_up or change_policy.")
    via = django_filters.CharFilter(max_length=8, help_text="page, admin or api.")
    call = django_filters.UUIDFilter(field_name="call_id", help_text="Entries about one call.")
    since = MomentFilter(field_name="at", lookup_expr="gte", help_text="At or after this time.")
    until = MomentFilter(field_name="at", lookup_expr="lt", help_text="Before this time.")

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchQuestion:
    """A call as it might ring."""

    caller: str
    callee: str
    at: datetime

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "MatchQuestion":
        numbers = {name: as_stored(query.get(name, "").replace("\0", "")) for name in ("caller", "callee")}
        faults = {name: "Give a number such as +14255550123, or a raw id." for name in numbers if not numbers[name]}
        at = timezone.now()
        try:
            at = MomentField(required=False).clean(query.get("at") or None) or at
        except ValidationError as error:
            faults["at"] = " ".join(error.messages)
        if faults:
            raise BadInput("The question is not complete.", faults)
        return cls(numbers["caller"], numbers["callee"], at)

    @staticmethod
    def parameters() -> list[OpenApiParameter]:
        return [
            OpenApiParameter("caller", str, required=True, description="Number that calls."),
            OpenApiParameter("callee", str, required=True, description="Number that is called."),
            OpenApiParameter("at", datetime, description="When; now if left out."),
        ]
