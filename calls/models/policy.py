"""Which incoming call is taken how: the first enabled policy by position that takes it."""

import re
from datetime import datetime, time
from fnmatch import fnmatchcase
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import models

from calls.models.profile import CaptureColumns, ProfileColumns
from calls.numbers import dialled

DAYS: Final = (
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
)
EVERY_DAY: Final = "1234567"
_PATTERN: Final = re.compile(r"[0-9A-Za-z+*?:_.\-\[\]!]+", re.ASCII)
_MATCHABLE: Final = re.compile(r"\+|[*?\[]|[0-9]{1,2}:", re.ASCII)  # numbers begin with +, raw ids with 4: or 8:


class CallPolicy(ProfileColumns, CaptureColumns):
    class Action(models.TextChoices):
        ANSWER = "answer", "answer at once"
        RING = "ring", "ring the operators"
        REJECT = "reject", "reject"
        REDIRECT = "redirect", "redirect"

    class RejectReason(models.TextChoices):
        BUSY = "busy", "busy"
        FORBIDDEN = "forbidden", "not allowed"
        NONE = "none", "no reason"

    # Which columns name the policy's own way of doing something, by action.
    OPTIONS: ClassVar = {"reject": "reject_reason", "redirect": "redirect_target"}

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=100, help_text="The lowest position is asked first.")
    enabled = models.BooleanField(default=True)
    callee_pattern = models.CharField(max_length=128, default="*", help_text="Number called, e.g. +1800* or *.")
    caller_pattern = models.CharField(max_length=128, default="*", help_text="Number that calls, e.g. +49* or *.")
    days = models.CharField(max_length=7, default=EVERY_DAY, help_text="1 is Monday, 7 is Sunday.")
    opens_at = models.TimeField(null=True, blank=True, help_text="Without it, all day.")
    closes_at = models.TimeField(null=True, blank=True, help_text="Earlier than it opens: on the next day.")
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Of the hours, such as Europe/Berlin.")
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.ANSWER)
    reject_reason = models.CharField(max_length=9, choices=RejectReason.choices, default=RejectReason.BUSY)
    redirect_target = models.CharField(
        max_length=256, blank=True, help_text="Number or ACS user that gets the call instead."
    )

    class Meta:
        ordering = ("position", "id")
        verbose_name_plural = "call policies"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Tidies patterns, days and target, and refuses what could never work; errors by field."""
        faults = self.tidy_capture()
        for field, tidy in (
            ("callee_pattern", _pattern),
            ("caller_pattern", _pattern),
            ("days", _days),
            ("time_zone", _zone),
        ):
            try:
                setattr(self, field, tidy(getattr(self, field)))
            except ValueError as error:
                faults[field] = str(error)
        if (self.opens_at is None) != (self.closes_at is None):
            faults["closes_at" if self.closes_at is None else "opens_at"] = "Give both hours, or none for all day."
        elif self.opens_at is not None and self.opens_at == self.closes_at:
            faults["closes_at"] = "This is the hour at which it opens. Leave both out for all day."
        if self.action == self.Action.REDIRECT or self.redirect_target:
            try:
                self.redirect_target = dialled(self.redirect_target)
            except ValueError as error:
                faults["redirect_target"] = str(error)
        if faults:
            raise ValidationError(faults)

    def obstacle(self, caller: str, callee: str, at: datetime) -> str:
        """Why this policy does not take a call from `caller` to `callee` at that moment; empty if it does.

        Patterns are shell style: `*` any run, `?` one character; numbers as +14255550123.
        """
        if not self.enabled:
            return "It is switched off."
        if not fnmatchcase(callee, self.callee_pattern):
            return f"The number called does not match {self.callee_pattern}."
        if not fnmatchcase(caller, self.caller_pattern):
            return f"The calling number does not match {self.caller_pattern}."
        return "" if self.is_open(at) else f"It is closed then; it is open {self.hours}."

    def is_open(self, at: datetime) -> bool:
        """Hours that pass midnight belong to the day on which they begin."""
        there = at.astimezone(ZoneInfo(self.time_zone))
        today, yesterday = str(there.isoweekday()), str(there.isoweekday() - 1 or 7)
        if self.opens_at is None or self.closes_at is None:
            return today in self.days
        now = there.time()
        if self.opens_at < self.closes_at:
            return today in self.days and self.opens_at <= now < self.closes_at
        return (today in self.days and now >= self.opens_at) or (yesterday in self.days and now < self.closes_at)

    @property
    def hours(self) -> str:
        """Such as `Mon–Fri 09:00–17:00 Europe/Berlin`; `always` without any limit."""
        days = _day_names(self.days)
        if self.opens_at is None or self.closes_at is None:
            return "always" if self.days == EVERY_DAY else f"{days} {self.time_zone}"
        span = f"{_clock(self.opens_at)}–{_clock(self.closes_at)} {self.time_zone}"
        return span if self.days == EVERY_DAY else f"{days} {span}"

    @property
    def what(self) -> str:
        """What it does with a call, in words."""
        if self.action == self.Action.REJECT:
            return f"reject as {self.get_reject_reason_display()}" if self.reject_reason != "none" else "reject"
        if self.action == self.Action.REDIRECT:
            return f"redirect to {self.redirect_target}"
        return self.get_action_display()

    @classmethod
    def first_match(cls, caller: str, callee: str, at: datetime) -> "CallPolicy | None":
        enabled = cls.objects.filter(enabled=True)
        return next((each for each in enabled if not each.obstacle(caller, callee, at)), None)


def _pattern(text: str) -> str:
    """The pattern as numbers are stored, without the spaces people group them by; refuses what can never match."""
    compact = re.sub(r"[\s()]", "", text)
    if compact.startswith("+"):
        compact = compact.replace("-", "").replace(".", "")
    if not _PATTERN.fullmatch(compact):
        raise ValueError("Use digits, +, * and ?, such as +1800*.")
    if not _MATCHABLE.match(compact):
        raise ValueError("This never matches: numbers begin with + and the country code, such as +1800*.")
    return compact


def _days(text: str) -> str:
    if not text or set(text) - set(EVERY_DAY):
        raise ValueError("Choose at least one day: 1 is Monday, 7 is Sunday.")
    return "".join(sorted(set(text)))


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("There is no such time zone. Give one such as UTC or Europe/Berlin.") from error


def _day_names(days: str) -> str:
    names = [name[:3] for number, name in DAYS if number in days]
    in_a_row = len(days) > 2 and days in EVERY_DAY
    return f"{names[0]}–{names[-1]}" if in_a_row else ", ".join(names)


def _clock(moment: time) -> str:
    return f"{moment:%H:%M}"
