"""What many people see, asked at once."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model

from calls.permissions import VIEW
from calls.visibility import EVERYTHING, Sight, sight_of


def sights_of(people: Collection[Any]) -> dict[Any, Sight]:
    """The sight of many users at once, by primary key, as the database has it now: one query if all may see."""
    keys = [each.pk for each in people]
    backend = "django.contrib.auth.backends.ModelBackend"
    seeing = get_user_model().objects.with_perm(VIEW, backend=backend).filter(pk__in=keys)
    found = set(seeing.values_list("pk", flat=True))
    # Whom the query does not find may still see by another backend's word.
    return {each.pk: EVERYTHING if each.pk in found else sight_of(each) for each in people}
