"""Each address and method, and the one permission that opens it."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import URLPattern

from calls.api import urls
from calls.permissions import GRANTABLE, scope
from streaming.recording import doors
from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db

NO_ID = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")
CALL = f"calls/{NO_ID}/"
TABLE = [
    ("GET", "calls/", "view_call"),
    ("HEAD", "calls/", "view_call"),
    ("POST", "calls/", "place_call"),
    ("GET", CALL, "view_call"),
    ("POST", f"{CALL}answer/", "answer_call"),
    ("POST", f"{CALL}reject/", "answer_call"),
    ("POST", f"{CALL}redirect/", "answer_call"),
    ("POST", f"{CALL}hang-up/", "hang_up_call"),
    ("POST", f"{CALL}streaming/start/", "stream_call"),
    ("POST", f"{CALL}streaming/stop/", "stream_call"),
    ("GET", f"{CALL}injections/", "view_call"),
    ("POST", f"{CALL}injections/", "inject_call"),
    ("POST", f"{CALL}injections/stop/", "inject_call"),
    ("GET", f"{CALL}segments/", "view_call"),
    ("POST", f"{CALL}transcript/start/", "transcribe_call"),
    ("POST", f"{CALL}transcript/stop/", "transcribe_call"),
    ("POST", f"{CALL}transcript/language/", "transcribe_call"),
    ("POST", f"{CALL}recording/start/", "record_call"),
    ("POST", f"{CALL}recording/stop/", "record_call"),
    ("POST", f"{CALL}recording/pause/", "record_call"),
    ("POST", f"{CALL}recording/resume/", "record_call"),
    ("POST", f"{CALL}sensitive/begin/", "record_call"),
    ("POST", f"{CALL}sensitive/end/", "record_call"),
    ("GET", f"{CALL}azure-recordings/", "view_call"),
    ("POST", f"{CALL}azure-recording/start/", "record_call"),
    ("POST", f"{CALL}azure-recording/pause/", "record_call"),
    ("POST", f"{CALL}azure-recording/resume/", "record_call"),
    ("POST", f"{CALL}azure-recording/stop/", "record_call"),
    ("GET", f"{CALL}events/", "view_call"),
    ("GET", f"{CALL}timeline/", "view_call"),
    ("GET", f"{CALL}commands/", "view_call"),
    ("GET", f"{CALL}streams/", "view_call"),
    ("GET", f"{CALL}measures/", "view_call"),
    ("GET", f"commands/{NO_ID}/", "view_call"),
    ("GET", f"injections/{NO_ID}/", "view_call"),
    ("GET", "streams/", "view_call"),
    ("GET", f"streams/{NO_ID}/", "view_call"),
    ("GET", f"{CALL}recordings/", "view_call"),
    ("GET", "recordings/", "view_call"),
    ("GET", f"recordings/{NO_ID}/", "view_call"),
    ("DELETE", f"recordings/{NO_ID}/", "delete_recording"),
    ("GET", f"recordings/{NO_ID}/audio/", "view_recording"),
    ("HEAD", f"recordings/{NO_ID}/audio/", "view_recording"),
    ("GET", f"recordings/{NO_ID}/peaks/", "view_recording"),
    ("GET", "clips/", "view_clip"),
    ("POST", "clips/", "add_clip"),
    ("GET", f"clips/{NO_ID}/", "view_clip"),
    ("DELETE", f"clips/{NO_ID}/", "delete_clip"),
    ("GET", f"clips/{NO_ID}/audio/", "view_clip"),
    ("GET", "policies/", "view_callpolicy"),
    ("POST", "policies/", "add_callpolicy"),
    ("GET", "policies/match/", "view_callpolicy"),
    ("GET", "policies/0/", "view_callpolicy"),
    ("PATCH", "policies/0/", "change_callpolicy"),
    ("DELETE", "policies/0/", "delete_callpolicy"),
    ("GET", "api-keys/", "view_apikey"),
    ("POST", "api-keys/", "add_apikey"),
    ("GET", f"api-keys/{NO_ID}/", "view_apikey"),
    ("DELETE", f"api-keys/{NO_ID}/", "change_apikey"),
    ("GET", "tags/", "view_call"),
    ("GET", f"{CALL}tags/", "view_call"),
    ("POST", f"{CALL}tags/", "annotate_call"),
    ("DELETE", f"{CALL}tags/refund/", "annotate_call"),
    ("GET", f"{CALL}notes/", "view_call"),
    ("POST", f"{CALL}notes/", "annotate_call"),
    ("DELETE", f"{CALL}notes/{NO_ID}/", "annotate_call"),
    ("GET", f"segments/{NO_ID}/", "view_call"),
    ("PATCH", f"segments/{NO_ID}/", "annotate_call"),
    ("GET", "search/", "view_call"),
    ("GET", f"{CALL}export/", "export_call"),
    ("GET", "export/", "export_call"),
    ("GET", "audit/", "view_auditentry"),
]


@pytest.mark.parametrize(("method", "path", "needed"), TABLE)
def test_a_key_needs_this_scope_and_no_other(key: Callable[..., Door], method: str, path: str, needed: str) -> None:
    others = [scope(each) for each in GRANTABLE if scope(each) != needed]
    refused = key(*others).raw(method, path)
    assert refused.status == 403
    if method != "HEAD":
        assert refused.error["code"] == "not_allowed"
        assert f"lacks the scope {needed}" in refused.error["message"]
    assert key(needed).raw(method, path).status in {200, 400, 404, 415}


@pytest.mark.parametrize(("method", "path", "needed"), TABLE)
def test_a_person_needs_the_same_permission(method: str, path: str, needed: str) -> None:
    person = User.objects.create_user("robin")
    client = Client()
    client.force_login(person)
    refused = Door(client).raw(method, path)
    assert refused.status == 403
    if method != "HEAD":
        assert f"lacks the permission {needed}" in refused.error["message"]
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="calls", codename=needed))
    assert Door(client).raw(method, path).status in {200, 400, 404, 415}


@pytest.mark.parametrize(("method", "path", "_needed"), TABLE)
def test_nobody_gets_in_unknown(method: str, path: str, _needed: str) -> None:
    assert Door(Client()).raw(method, path).status == 401


def endpoints() -> Iterator[tuple[str, type]]:
    for pattern in [*doors.urlpatterns, *urls.urlpatterns]:
        assert isinstance(pattern, URLPattern)
        view = getattr(pattern.callback, "cls", None)
        if str(pattern.pattern).startswith("v1/"):
            assert view is not None, pattern
            yield str(pattern.pattern), view


def test_every_method_of_every_address_names_its_permission() -> None:
    seen = set()
    for address, view in endpoints():
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert methods == set(view.needs), address  # type: ignore[attr-defined]
        seen |= {(method, address) for method in methods}
    assert len(seen) == len([each for each in TABLE if each[0] != "HEAD"])
