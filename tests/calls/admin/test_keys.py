import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from calls.models import ApiKey
from tests.calls.scene import root, signed_in, staff, words

LIST = "/admin/calls/apikey/"


@pytest.fixture
def client(db: None) -> Client:
    return root()


def test_a_keys_secret_is_shown_once_and_lets_its_bearer_in(client: Client) -> None:
    page = client.post(f"{LIST}add/", {"name": "Reports", "scopes": ["view_call", "hang_up_call"]})
    found = re.search(r'value="(acs_[\w-]{40,})"', page.content.decode())
    assert found is not None
    secret = found.group(1)
    assert "no-store" in page["Cache-Control"]
    assert not list(page.context["messages"])
    key = ApiKey.find(secret, timezone.now())
    assert key is not None
    assert (key.name, sorted(key.scopes), key.created_by and key.created_by.username) == (
        "Reports",
        ["hang_up_call", "view_call"],
        "root",
    )
    for address in (LIST, f"{LIST}{key.pk}/change/", f"{LIST}{key.pk}/history/"):
        shown = client.get(address).content.decode()
        assert secret not in shown
        assert key.digest not in shown


def test_nobody_hands_out_more_than_they_may_do_themselves(client: Client) -> None:
    dana = signed_in(staff("add_apikey", "view_apikey", "inject_call"))
    page = dana.get(f"{LIST}add/").content.decode()
    assert 'value="inject_call"' in page
    assert 'value="hang_up_call"' not in page
    refused = dana.post(f"{LIST}add/", {"name": "Mine", "scopes": ["hang_up_call"]})
    assert "hang_up_call is not one of the available choices" in refused.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_may_expire_but_not_in_the_past(client: Client) -> None:
    soon, before = timezone.now() + timedelta(days=30), timezone.now() - timedelta(days=1)
    form = {"name": "Reports", "scopes": ["view_call"]}
    refused = client.post(f"{LIST}add/", {**form, "expires_at": f"{before:%Y-%m-%dT%H:%M}"}).content.decode()
    assert "This moment has passed." in refused
    client.post(f"{LIST}add/", {**form, "expires_at": f"{soon:%Y-%m-%dT%H:%M}"})
    assert ApiKey.objects.get().expires_at == soon.replace(second=0, microsecond=0)


def test_a_revoked_key_lets_nobody_in_and_is_revoked_once(client: Client) -> None:
    key, secret = ApiKey.issue("Reports", ["view_call"])
    order = {"action": "revoke", "_selected_action": [str(key.pk)], "index": "0"}
    assert words(client.post(LIST, order, follow=True)) == ["Reports is revoked and lets nobody in any more."]
    assert ApiKey.find(secret, timezone.now()) is None
    assert words(client.post(LIST, order, follow=True)) == ["Reports was revoked before."]
    assert "Revoked" in client.get(LIST).content.decode()


def test_a_key_is_neither_changed_nor_deleted_and_revoked_only_by_who_may(client: Client) -> None:
    key, secret = ApiKey.issue("Reports", ["view_call"])
    assert client.post(f"{LIST}{key.pk}/change/", {"name": "Other"}).status_code == 403
    assert client.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    viewer = signed_in(staff("view_apikey"))
    assert viewer.get(f"{LIST}add/").status_code == 403
    viewer.post(LIST, {"action": "revoke", "_selected_action": [str(key.pk)], "index": "0"})
    assert ApiKey.find(secret, timezone.now()) is not None
