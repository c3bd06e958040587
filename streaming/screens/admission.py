"""Who may hold a dashboard's socket: asked at the door, and again each two seconds while it is open."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseFault
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from calls.background import Pool
from calls.counters import count
from calls.models import Call
from calls.selectors.sights import sights_of
from calls.visibility import NOTHING, Sight, Viewer, sight_of

log = logging.getLogger(__name__)

NOT_SIGNED_IN: Final = 4401
NOT_ALLOWED: Final = 4403
LOOK_EACH_S: Final = 1.5

# However many pages are opened at once, those that are to be closed do not wait behind them.
_rights: Final = Pool("rights", 1, 2, "Asked again 1.5 s later; the pages stay open until then.")


def origin_allowed(scope: dict[str, Any]) -> bool:
    """Whether the page that opens this socket is one of ours (ALLOWED_ORIGINS); none at all is refused as well."""
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    # Compared as a whole: an origin has no path, user or query, and whatever is read out of one can be faked.
    return len(origins) == 1 and origins[0].decode("latin-1").lower() in {
        each.lower() for each in settings.ALLOWED_ORIGINS
    }


@dataclass(frozen=True, eq=False, slots=True)
class Admission:
    """One open socket's right to be open."""

    viewer: Viewer
    user_id: int
    session_key: str
    session_hash: str
    sight: Sight


class RefusedError(Exception):
    """`code` is the socket's close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def admit(scope: dict[str, Any], call_id: UUID | None) -> Admission:
    """Asks the database, so not on the event loop. Raises RefusedError.

    A call that does not exist and one that this viewer does not see are refused alike.
    """
    user, session = scope["user"], scope["session"]
    if not user.is_authenticated or not user.is_active:
        raise RefusedError(NOT_SIGNED_IN)
    sight = sight_of(user)
    if sight == NOTHING:
        raise RefusedError(NOT_ALLOWED)
    if call_id is not None and not Call.objects.visible_to(user).filter(pk=call_id).exists():
        raise RefusedError(NOT_ALLOWED)
    return Admission(user, user.pk, session.session_key or "", session.get(HASH_SESSION_KEY, ""), sight)


class Doorkeeper:
    """One per process: closes the sockets of people who signed out, were sent away or lost their rights."""

    def __init__(self) -> None:
        self._inside: dict[Admission, Callable[[int], None]] = {}
        self._blind = False

    @contextmanager
    def watching(self, admission: Admission, send_out: Callable[[int], None]) -> Iterator[None]:
        """Calls `send_out` with the close code, at most once each two seconds, when the right has ended."""
        self._inside[admission] = send_out
        try:
            yield
        finally:
            del self._inside[admission]

    async def run(self) -> None:
        """Looks until cancelled. Three queries a round for everybody, none while no page is open."""
        while True:
            await asyncio.sleep(LOOK_EACH_S)
            if self._inside:
                await self._look()

    async def _look(self) -> None:
        try:
            ended = await asyncio.wrap_future(_rights.submit(_ended, tuple(self._inside)))
        except DatabaseFault as error:
            if not self._blind:
                self._blind = True
                log.warning("open dashboards stay open, their rights cannot be read (%s)", type(error).__name__)
            return
        self._blind = False
        for admission, code in ended.items():
            if send_out := self._inside.get(admission):
                log.info("a dashboard is closed with %d (%d so far)", code, count(f"closed_dashboard_{code}"))
                send_out(code)


def _ended(inside: Collection[Admission]) -> dict[Admission, int]:
    """The close code of each right that has ended."""
    keys = {each.session_key for each in inside}
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = set(alive.values_list("session_key", flat=True))
    people = get_user_model().objects.in_bulk({each.user_id for each in inside})
    sights = sights_of(people.values())
    found = {}
    for each in inside:
        user = people.get(each.user_id)
        if (
            user is None
            or not user.is_active
            or each.session_key not in sessions
            or not constant_time_compare(each.session_hash, user.get_session_auth_hash())
        ):
            found[each] = NOT_SIGNED_IN
        elif sights[user.pk] != each.sight:
            found[each] = NOT_ALLOWED
    return found


doorkeeper = Doorkeeper()
