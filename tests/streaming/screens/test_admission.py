"""Who may hold a dashboard's socket while it is open: whoever loses that right is shown nothing five seconds later."""

import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Self
from uuid import uuid4

import pytest

from tests.streaming.doorstep import Door, Socket

WITHIN_S = 5.0
USERS = "from django.contrib.auth import get_user_model\nusers = get_user_model().objects\n"


class Person:
    """Somebody of the group `viewer`, signed in with a browser."""

    def __init__(self, door: Door) -> None:
        self.name = f"p{uuid4().hex[:8]}"
        self._door = door
        self.change(
            "from django.contrib.auth.models import Group\n"
            f"user = users.create_user({self.name!r}, password={self.name!r})\n"
            "user.groups.set([Group.objects.get(name='viewer')])"
        )
        self.sign_in()

    def sign_in(self) -> Self:
        self._jar = CookieJar()
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self._browser.open(f"{self._door.stack.portal}/login/").close()
        self._post("login", username=self.name, password=self.name, next="/livez")
        return self

    def sign_out(self) -> None:
        self._post("logout")

    def _post(self, page: str, **fields: str) -> None:
        portal = self._door.stack.portal
        form = {"csrfmiddlewaretoken": self._cookie("csrftoken"), **fields}
        sent = urllib.request.Request(f"{portal}/{page}/", urllib.parse.urlencode(form).encode(), {"Origin": portal})
        self._browser.open(sent).close()

    def _cookie(self, name: str) -> str:
        return next(str(each.value) for each in self._jar if each.name == name)

    @property
    def session(self) -> str:
        return self._cookie("sessionid")

    def change(self, code: str) -> None:
        """Runs Python in the portal; `user` is this person."""
        find = f"user = users.filter(username={self.name!r}).first()\n"
        self._door.run(f"{USERS}{find}{code}")

    def page(self, path: str) -> Socket:
        return self._door.page(path, user="", Cookie=f"sessionid={self.session}")


def sign_out(person: Person) -> None:
    person.sign_out()


def is_sent_away(person: Person) -> None:
    person.change("user.is_active = False\nuser.save()")


def is_deleted(person: Person) -> None:
    person.change("user.delete()")


def leaves_the_role(person: Person) -> None:
    person.change("user.groups.clear()")


def changes_password(person: Person) -> None:
    person.change("user.set_password('another')\nuser.save()")


def session_ends(person: Person) -> None:
    person.change(
        "from django.contrib.sessions.models import Session\n"
        "from django.utils import timezone\n"
        f"Session.objects.filter(session_key={person.session!r}).update(expire_date=timezone.now())"
    )


ENDS: list[tuple[Callable[[Person], None], int]] = [
    (sign_out, 4401),
    (is_sent_away, 4401),
    (is_deleted, 4401),
    (changes_password, 4401),
    (session_ends, 4401),
    (leaves_the_role, 4403),
]


@pytest.fixture
def neighbour(door: Door) -> Iterator[Socket]:
    """A page of somebody else, which stays open throughout."""
    with door.page("live/") as page:
        page.take(lambda message: message["kind"] == "snapshot")
        yield page
        assert page.is_open


@pytest.mark.parametrize(("loses", "code"), ENDS, ids=[end.__name__ for end, _ in ENDS])
def test_who_may_not_look_any_more_is_shown_nothing_five_seconds_later(
    door: Door, neighbour: Socket, loses: Callable[[Person], None], code: int
) -> None:
    call = door.call()
    person = Person(door)
    with ExitStack() as kept:
        pages = [kept.enter_context(person.page(path)) for path in ("live/", f"calls/{call.id}/")]
        for page in pages:
            page.take(lambda message: message["kind"] == "snapshot")
        before = len(door.log)
        loses(person)
        lost_s = time.monotonic()
        assert [page.close_code(WITHIN_S) for page in pages] == [code, code]
        assert time.monotonic() < lost_s + WITHIN_S
        assert len(door.soon(before, f"a dashboard is closed with {code}")) >= 1


def test_a_page_stays_open_while_its_other_sessions_end(door: Door) -> None:
    person = Person(door)
    with person.page("live/") as left:
        left.take(lambda message: message["kind"] == "snapshot")
        person.sign_in()
        with person.page("live/") as kept:
            kept.take(lambda message: message["kind"] == "snapshot")
            other = person.session
            person.change(
                "from django.contrib.sessions.models import Session\n"
                f"Session.objects.exclude(session_key={other!r}).filter("
                f"session_key={left_session(left)!r}).delete()"
            )
            assert left.close_code(WITHIN_S) == 4401
            assert kept.is_open


def left_session(page: Socket) -> str:
    return str(page.connection.request.headers["Cookie"]).partition("=")[2] if page.connection.request else ""
