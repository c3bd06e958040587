"""Every address, order and admin action of the portal, by every role. What has no row here fails.

A row names the least role that is let in; roles above it are let in as well.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from calls.forms import SOUND_FORMS
from calls.models import ApiKey, AuditEntry, Call, Command
from calls.roles import ROLES, make_groups
from calls.views.call import ORDERS
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db

WHO: Final = ("anonymous", "key", "viewer", "operator", "supervisor", "administrator")
ANYONE, KNOWN, VIEWER, OPERATOR, SUPERVISOR, ADMINISTRATOR, NOBODY = (
    "anyone",
    "known",
    "viewer",
    "operator",
    "supervisor",
    "administrator",
    "nobody",
)
# Who is let in where a row names this role. An API key without a scope opens no page and no operation.
LET_IN: Final = {
    ANYONE: set(WHO),
    KNOWN: {"key", *WHO[2:]},
    VIEWER: set(WHO[2:]),
    OPERATOR: set(WHO[3:]),
    SUPERVISOR: set(WHO[4:]),
    ADMINISTRATOR: {"administrator"},
    NOBODY: set(),
}
NO_ID: Final = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")
SEEN_BY_ALL: Final = {"GET": VIEWER}
STEERED: Final = {"POST": OPERATOR}

PAGES: Final[dict[str, dict[str, str]]] = {
    "wall": SEEN_BY_ALL,
    "history": SEEN_BY_ALL,
    "call": SEEN_BY_ALL,
    "call_event": SEEN_BY_ALL,
    "call_recording": SEEN_BY_ALL,
    "call_timeline": SEEN_BY_ALL,
    "place": {"GET": OPERATOR, "POST": OPERATOR},
    "redirect_call": {"GET": OPERATOR, "POST": OPERATOR},
    "clips": {"GET": VIEWER, "POST": OPERATOR},
    "clip_audio": SEEN_BY_ALL,
    "delete_clip": STEERED,
    "call_tags": STEERED,
    "call_notes": STEERED,
    "delete_note": STEERED,
    "segment": {"GET": OPERATOR, "POST": OPERATOR},
    "search": SEEN_BY_ALL,
    "export_call": {"GET": SUPERVISOR},
    "export_history": {"GET": SUPERVISOR},
    "export_search": {"GET": SUPERVISOR},
    "audit": {"GET": SUPERVISOR},
    "reports": SEEN_BY_ALL,
    "reports_csv": {"GET": SUPERVISOR},
    "health": {"GET": SUPERVISOR},
    "jobs": {"GET": SUPERVISOR},
    "run_job": {"POST": ADMINISTRATOR},
}
# Doors with a lock of their own: Azure's secret or token, the scraper's token, or none because they tell nothing.
OTHER_LOCKS: Final = {
    "grid_events": "tests/calls/test_doors.py",
    "callbacks": "tests/calls/test_doors.py",
    "upgrade_required": "answers one sentence",
    "livez": "tells that the process answers",
    "readyz": "tells whether it can work",
    "metrics": "tests/calls/operations",
    "login": "the way in",
    "logout": "the way out",
    "design": "staff, and people who may see calls: tests/calls/test_views.py",
    "api:no_such_address": "404",
    "api:docs": "signed-in people",
    "api:schema": "signed-in people and keys",
}
ORDER_ROLES: Final = {
    "answer": OPERATOR,
    "reject": OPERATOR,
    "hang-up": OPERATOR,
    "start-streaming": OPERATOR,
    "stop-streaming": OPERATOR,
    "stop-sound": OPERATOR,
    "start-recording": OPERATOR,
    "stop-recording": OPERATOR,
    "pause-recording": OPERATOR,
    "resume-recording": OPERATOR,
    "begin-sensitive": OPERATOR,
    "end-sensitive": OPERATOR,
    "start-azure-recording": OPERATOR,
    "pause-azure-recording": OPERATOR,
    "resume-azure-recording": OPERATOR,
    "stop-azure-recording": OPERATOR,
    "start-transcript": OPERATOR,
    "stop-transcript": OPERATOR,
    "change-language": OPERATOR,
    "speak": OPERATOR,
    "clip": OPERATOR,
    "tone": OPERATOR,
    "file": OPERATOR,
}
API: Final[dict[str, dict[str, str]]] = {
    "calls": {"GET": VIEWER, "POST": OPERATOR},
    "call": SEEN_BY_ALL,
    "answer": STEERED,
    "reject": STEERED,
    "redirect": STEERED,
    "hang_up": STEERED,
    "start_streaming": STEERED,
    "stop_streaming": STEERED,
    "injections": {"GET": VIEWER, "POST": OPERATOR},
    "stop_sound": STEERED,
    "segments": SEEN_BY_ALL,
    "start_transcript": STEERED,
    "stop_transcript": STEERED,
    "change_language": STEERED,
    "start_recording": STEERED,
    "stop_recording": STEERED,
    "pause_recording": STEERED,
    "resume_recording": STEERED,
    "begin_sensitive": STEERED,
    "end_sensitive": STEERED,
    "azure_recordings": SEEN_BY_ALL,
    "start_azure": STEERED,
    "pause_azure": STEERED,
    "resume_azure": STEERED,
    "stop_azure": STEERED,
    "events": SEEN_BY_ALL,
    "timeline": SEEN_BY_ALL,
    "commands": SEEN_BY_ALL,
    "streams_of_call": SEEN_BY_ALL,
    "measures": SEEN_BY_ALL,
    "command": SEEN_BY_ALL,
    "injection": SEEN_BY_ALL,
    "streams": SEEN_BY_ALL,
    "stream": SEEN_BY_ALL,
    "recordings_of_call": SEEN_BY_ALL,
    "recordings": SEEN_BY_ALL,
    "recording": {"GET": VIEWER, "DELETE": SUPERVISOR},
    "recording_audio": {"GET": OPERATOR, "HEAD": OPERATOR},
    "recording_peaks": {"GET": OPERATOR},
    "clips": {"GET": VIEWER, "POST": OPERATOR},
    "clip": {"GET": VIEWER, "DELETE": OPERATOR},
    "clip_audio": SEEN_BY_ALL,
    "policies": {"GET": SUPERVISOR, "POST": SUPERVISOR},
    "policy_match": {"GET": SUPERVISOR},
    "policy": {"GET": SUPERVISOR, "PATCH": SUPERVISOR, "DELETE": SUPERVISOR},
    "api_keys": {"GET": ADMINISTRATOR, "POST": ADMINISTRATOR},
    "api_key": {"GET": ADMINISTRATOR, "DELETE": ADMINISTRATOR},
    "tags": SEEN_BY_ALL,
    "tags_of_call": {"GET": VIEWER, "POST": OPERATOR},
    "tag_of_call": {"DELETE": OPERATOR},
    "notes": {"GET": VIEWER, "POST": OPERATOR},
    "note": {"DELETE": OPERATOR},
    "segment": {"GET": VIEWER, "PATCH": OPERATOR},
    "search": SEEN_BY_ALL,
    "export_call": {"GET": SUPERVISOR},
    "export": {"GET": SUPERVISOR},
    "audit": {"GET": SUPERVISOR},
}
# Model → least role to see, add, change and delete its rows in the admin.
MODELS: Final[dict[str, tuple[str, str, str, str]]] = {
    "calls.call": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.callevent": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.streamsession": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.participant": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.injection": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.command": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.take": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.recording": (VIEWER, NOBODY, NOBODY, NOBODY),
    "calls.clip": (VIEWER, OPERATOR, NOBODY, OPERATOR),
    "calls.callpolicy": (SUPERVISOR, SUPERVISOR, SUPERVISOR, SUPERVISOR),
    "calls.auditentry": (SUPERVISOR, NOBODY, NOBODY, NOBODY),
    "calls.apikey": (ADMINISTRATOR, ADMINISTRATOR, NOBODY, NOBODY),
    "auth.user": (ADMINISTRATOR, ADMINISTRATOR, ADMINISTRATOR, ADMINISTRATOR),
    "auth.group": (ADMINISTRATOR, NOBODY, NOBODY, NOBODY),
}
ADMIN_PAGES: Final = {"calls_call_place": OPERATOR, "calls_callpolicy_which": SUPERVISOR}
# Pages of Django's admin for all staff, which show rows and names by the permissions above.
DJANGOS_OWN: Final = {
    "index",
    "login",
    "logout",
    "password_change_done",
    "autocomplete",
    "jsi18n",
    "view_on_site",
    "app_list",
    "None",
}
ACTIONS: Final = {
    ("calls.call", "start_streaming"): OPERATOR,
    ("calls.call", "stop_streaming"): OPERATOR,
    ("calls.call", "stop_sound"): OPERATOR,
    ("calls.call", "start_transcript"): OPERATOR,
    ("calls.call", "stop_transcript"): OPERATOR,
    ("calls.call", "start_recording"): OPERATOR,
    ("calls.call", "stop_recording"): OPERATOR,
    ("calls.call", "pause_recording"): OPERATOR,
    ("calls.call", "resume_recording"): OPERATOR,
    ("calls.call", "begin_sensitive_pause"): OPERATOR,
    ("calls.call", "end_sensitive_pause"): OPERATOR,
    ("calls.call", "start_azures_recording"): OPERATOR,
    ("calls.call", "stop_azures_recording"): OPERATOR,
    ("calls.call", "inject_audio"): OPERATOR,
    ("calls.call", "hang_up"): OPERATOR,
    ("calls.take", "delete_takes"): SUPERVISOR,
    ("calls.clip", "delete_selected"): OPERATOR,
    ("calls.callpolicy", "delete_selected"): SUPERVISOR,
    ("calls.apikey", "revoke"): ADMINISTRATOR,
    ("auth.user", "delete_selected"): ADMINISTRATOR,
    ("auth.group", "delete_selected"): NOBODY,
}


@pytest.fixture(autouse=True)
def groups(db: None) -> None:
    cache.clear()
    make_groups(Group, Permission)


def client_of(who: str, *, staff: bool = False) -> Client:
    if who == "anonymous":
        return Client(raise_request_exception=False)
    if who == "key":
        _, secret = ApiKey.issue("No scope", [])
        return Client(raise_request_exception=False, headers={"Authorization": f"Api-Key {secret}"})
    person = User.objects.create_user(who, is_staff=staff)
    person.groups.add(Group.objects.get(name=who))
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def let_in(answer: Any) -> bool:
    assert answer.status_code < 500, answer.content[:500]
    if answer.status_code in {301, 302}:
        return "/login/" not in answer.headers["Location"]
    return answer.status_code not in {401, 403}


def ask(client: Client, method: str, path: str) -> Any:
    return client.generic(method, path, b"", content_type="application/json")


def routes(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, path with the ids filled in) of every address of the portal."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from routes(each.url_patterns, f"{prefix}{each.pattern}", inner)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}", filled(f"/{prefix}{each.pattern}")


def filled(route: str) -> str:
    route = re.sub(r"<uuid:\w+>", str(NO_ID), route)
    return route.replace("<int:policy_id>", "0").replace("<slug:verb>", "hang-up").replace("<str:name>", "refund")


ROUTES: Final = dict(routes())


def test_every_address_has_a_row() -> None:
    ours = {name for name in ROUTES if not name.startswith("admin:")}
    known = {*PAGES, *OTHER_LOCKS, *(f"api:{name}" for name in API), "call_do"}
    assert ours == known


@pytest.mark.parametrize("who", WHO)
def test_each_role_opens_its_pages_and_no_others(who: str) -> None:
    client = client_of(who)
    for name, methods in PAGES.items():
        for method, role in methods.items():
            expected = who in LET_IN[role] and who != "key"
            assert let_in(ask(client, method, ROUTES[name])) is expected, (method, name)


@pytest.mark.parametrize("who", WHO)
def test_each_role_calls_its_operations_and_no_others(who: str) -> None:
    client = client_of(who)
    for name, methods in API.items():
        for method, role in methods.items():
            answer = ask(client, method, ROUTES[f"api:{name}"])
            assert let_in(answer) is (who in LET_IN[role]), (method, name)
            if who == "anonymous":
                assert answer.status_code == 401
    for name in ("api:schema", "api:docs"):
        assert let_in(ask(client, "GET", ROUTES[name])) is (who in LET_IN[KNOWN] and (who, name) != ("key", "api:docs"))


def test_every_order_of_the_call_page_has_a_row() -> None:
    assert set(ORDER_ROLES) == {*ORDERS, *SOUND_FORMS}


@pytest.mark.parametrize("who", WHO)
def test_each_role_gives_its_orders_and_no_others(who: str) -> None:
    call = live_call()
    client = client_of(who)
    for verb, role in ORDER_ROLES.items():
        answer = ask(client, "POST", f"/calls/{call.pk}/do/{verb}/")
        assert let_in(answer) is (who in LET_IN[role] and who != "key"), verb


def test_every_model_and_action_of_the_admin_has_a_row() -> None:
    root = client_of("anonymous")
    root.force_login(User.objects.create_superuser("root"))
    request = root.get("/admin/").wsgi_request
    registered = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    assert set(registered) == set(MODELS)
    actions = {(label, name) for label, each in registered.items() for name in each.get_actions(request)}
    assert actions == set(ACTIONS)
    plain = ("_changelist", "_add", "_history", "_delete", "_change")
    special = {name.removeprefix("admin:") for name in ROUTES if name.startswith("admin:") and not name.endswith(plain)}
    assert special == {*ADMIN_PAGES, *DJANGOS_OWN}


@pytest.mark.parametrize("who", WHO)
def test_each_role_sees_and_changes_its_rows_in_the_admin_and_no_others(who: str) -> None:
    client = client_of(who, staff=True)
    for label, (see, add, *_) in MODELS.items():
        path = f"/admin/{label.replace('.', '/')}/"
        assert let_in(ask(client, "GET", path)) is (who in LET_IN[see] and who != "key"), label
        assert let_in(ask(client, "GET", f"{path}add/")) is (who in LET_IN[add] and who != "key"), label
        assert let_in(ask(client, "POST", f"{path}add/")) is (who in LET_IN[add] and who != "key"), label
    for name, role in ADMIN_PAGES.items():
        assert let_in(ask(client, "GET", ROUTES[f"admin:{name}"])) is (who in LET_IN[role] and who != "key"), name


@pytest.mark.parametrize("who", WHO)
def test_each_role_changes_and_deletes_its_rows_in_the_admin_and_no_others(who: str) -> None:
    client = client_of(who, staff=True)
    live_call()
    someone = User.objects.create_user("somebody")
    for label, (_, _, change, delete) in MODELS.items():
        model = next(each for each in admin.site._registry if each._meta.label_lower == label)
        row = someone if label == "auth.user" else model._default_manager.order_by("pk").first()
        if row is None:
            continue  # the admin answers a page of a row that is not there with a way back to its start
        path = f"/admin/{label.replace('.', '/')}/{row.pk}/"
        assert let_in(ask(client, "POST", f"{path}change/")) is (who in LET_IN[change]), label
        assert let_in(ask(client, "GET", f"{path}delete/")) is (who in LET_IN[delete]), label


@pytest.mark.parametrize("who", WHO[2:])
def test_each_role_is_offered_its_admin_actions_and_no_others(who: str) -> None:
    client = client_of(who, staff=True)
    call = live_call()
    ApiKey.issue("Some key", ["view_call"])
    for (label, action), role in ACTIONS.items():
        path = f"/admin/{label.replace('.', '/')}/"
        if who not in LET_IN[MODELS[label][0]]:
            continue
        page = client.get(path).content.decode()
        rows = f'name="_selected_action"' in page  # noqa: F541 (without rows no action is offered)
        assert (f'value="{action}"' in page) is (who in LET_IN[role] and rows), (label, action)
    before = (Command.objects.count(), AuditEntry.objects.count())
    for (label, action), role in ACTIONS.items():
        if label == "calls.call" and who not in LET_IN[role]:
            answer = client.post(
                "/admin/calls/call/", {"action": action, "_selected_action": [str(call.pk)], "confirmed": "yes"}
            )
            assert answer.status_code < 500
    assert (Command.objects.count(), AuditEntry.objects.count()) == before
    assert Call.objects.get().state == "connected"


@pytest.mark.parametrize("who", WHO[2:])
def test_who_is_no_staff_enters_no_admin_page(who: str) -> None:
    client = client_of(who)
    for name, path in ROUTES.items():
        if name.startswith("admin:") and "<" not in path and "(?P" not in path and "log" not in name:
            assert not let_in(ask(client, "GET", path)), name


def test_the_walk_knows_every_role() -> None:
    assert WHO[2:] == tuple(ROLES)
