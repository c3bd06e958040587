"""Every socket of the portal, by every role: what has no row here fails."""

import json
from contextlib import suppress
from typing import Final, get_args

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from streaming.routing import websockets
from streaming.screens.dashboard import Word
from tests.streaming.doorstep import Door

# Address → whose it is. A viewer's sockets take the actions of SOCKET_ACTIONS; Azure's are opened by token alone.
SOCKETS: Final = {
    "ws/live/": "viewer",
    "ws/calls/<uuid:call_id>/": "viewer",
    "ws/acs/media/<str:token>/": "azure",
    "ws/acs/transcription/<str:token>/": "azure",
}
# What a page may say on its socket: whoever may hold it may say all of it, and it shows nothing that was not shown.
SOCKET_ACTIONS: Final[dict[str, dict[str, object]]] = {
    "snapshot": {"kind": "snapshot"},
    "show": {"kind": "show", "calls": None},
}
ROLES: Final = ("viewer", "operator", "supervisor", "administrator")

MAKE_PEOPLE: Final = """
from django.contrib.auth.models import Group, User
for role in ("viewer", "operator", "supervisor", "administrator", "walker"):
    person, created = User.objects.get_or_create(username=role)
    if created:
        person.set_password(role)
        person.save()
    if role != "walker":
        person.groups.add(Group.objects.get(name=role))
"""


@pytest.fixture
def people(door: Door) -> None:
    door.run(MAKE_PEOPLE)


def test_every_socket_has_a_row() -> None:
    assert {str(route.pattern) for route in websockets.routes} == set(SOCKETS)


def test_every_word_of_a_page_has_a_row() -> None:
    assert {each.__struct_config__.tag for each in get_args(Word)} == set(SOCKET_ACTIONS)


@pytest.mark.usefixtures("people")
def test_each_role_opens_its_sockets_and_asks_for_what_they_show(door: Door) -> None:
    call = door.call()
    paths = ["live/", f"calls/{call.id}/"]
    for path in paths:
        for role in ROLES:
            with door.page(path, role) as page:
                first = page.take(lambda message: message["kind"] == "snapshot")
                for action in ("show", "snapshot"):
                    page.send(json.dumps(SOCKET_ACTIONS[action]))
                page.take(lambda message: message["kind"] == "snapshot", after=1)
                assert first["at"]
        for stranger, code in (("walker", 4403), ("", 4401)):
            with door.page(path, stranger) as page:
                with suppress(ConnectionClosed):
                    for word in SOCKET_ACTIONS.values():
                        page.send(json.dumps(word))
                assert page.close_code() == code
                assert not page.messages
    call.hang_up()


@pytest.mark.usefixtures("people")
def test_an_api_key_and_a_signed_in_person_open_no_socket_of_azures(door: Door) -> None:
    call = door.call()
    for headers in (
        [("Authorization", door.stack.key["Authorization"])],
        [("Cookie", door.cookie("administrator")), ("Origin", door.stack.portal)],
    ):
        sent = [*headers, ("x-ms-call-connection-id", call.connection_id)]
        assert call.refused(sent) in {401, 403}
        with pytest.raises(InvalidStatus, match=r"HTTP 40[13]"):
            call.dial_words(sent)
    with door.page("live/", "", Authorization=door.stack.key["Authorization"]) as page:
        assert page.close_code() == 4401
    call.hang_up()


def test_a_socket_that_does_not_exist_is_refused(door: Door) -> None:
    with pytest.raises(InvalidStatus):
        door.page("admin/", "demo")
