"""Which incoming call is taken how: the first enabled policy by position whose patterns match."""

from fnmatch import fnmatchcase

from django.db import models

from calls.models.profile import ProfileColumns


class CallPolicy(ProfileColumns):
    class Action(models.TextChoices):
        ANSWER = "answer", "answer at once"
        RING = "ring", "ring the operators"

    name = models.CharField(max_length=80, unique=True)
    position = models.PositiveIntegerField(default=100, help_text="The lowest position is asked first.")
    enabled = models.BooleanField(default=True)
    callee_pattern = models.CharField(max_length=128, default="*", help_text="Number called, e.g. +1800* or *.")
    caller_pattern = models.CharField(max_length=128, default="*", help_text="Number that calls, e.g. +49* or *.")
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.ANSWER)

    class Meta:
        ordering = ("position", "id")
        verbose_name_plural = "call policies"

    def __str__(self) -> str:
        return self.name

    def matches(self, caller: str, callee: str) -> bool:
        """Patterns are shell style: `*` any run, `?` one character; numbers as +14255550123."""
        return fnmatchcase(callee, self.callee_pattern) and fnmatchcase(caller, self.caller_pattern)

    @classmethod
    def first_match(cls, caller: str, callee: str) -> "CallPolicy | None":
        return next((each for each in cls.objects.filter(enabled=True) if each.matches(caller, callee)), None)
