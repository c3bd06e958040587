"""Whose eyes see which calls. Every query and every live event is asked for a viewer.

Until teams exist, who may see calls sees all of them; nobody else sees any. Teams will narrow `sight_of` alone.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from django.db import models

from calls.permissions import VIEW

Rows = TypeVar("Rows", bound="models.QuerySet[Any]")


class Viewer(Protocol):
    """A person, signed in or not, or the holder of an API key."""

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def is_active(self) -> bool: ...

    def has_perm(self, permission: str, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """What one viewer sees; viewers of equal sight can share what is made for them."""

    everything: bool

    def sees(self, call_id: UUID | str) -> bool:
        return self.everything

    def of(self, rows: Rows) -> Rows:
        """The rows of calls, or of what belongs to calls, that are seen."""
        return rows if self.everything else rows.none()


EVERYTHING: Final = Sight(everything=True)
NOTHING: Final = Sight(everything=False)


def sight_of(viewer: Viewer) -> Sight:
    may_see = viewer.is_authenticated and viewer.is_active and viewer.has_perm(VIEW)
    return EVERYTHING if may_see else NOTHING
