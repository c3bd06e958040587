from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from calls.errors import BadInput, CallStateError, NotAllowed
from calls.models import ApiKey
from calls.services import Actor, issue_key, revoke_key

pytestmark = pytest.mark.django_db
ANA = Actor("user", "ana")


def test_a_key_is_found_by_its_secret_until_it_is_revoked() -> None:
    key, secret = issue_key(ANA, "  night   desk ", ["view_call", "place_call", "view_call"])
    assert (key.name, key.scopes) == ("night desk", ["place_call", "view_call"])
    assert ApiKey.find(secret, timezone.now()) == key
    revoke_key(ANA, key)
    assert ApiKey.find(secret, timezone.now()) is None
    with pytest.raises(CallStateError):
        revoke_key(ANA, key)


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [("", ["view_call"], "name"), ("x" * 81, ["view_call"], "name"), ("x", [], "scopes"), ("x", ["sing"], "scopes")],
)
def test_a_key_that_makes_no_sense_is_refused_at_its_field(name: str, scopes: list[str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        issue_key(ANA, name, scopes)
    assert field in caught.value.fields
    assert not ApiKey.objects.exists()


def test_a_key_that_has_expired_already_is_not_issued() -> None:
    with pytest.raises(BadInput):
        issue_key(ANA, "x", ["view_call"], expires_at=timezone.now() - timedelta(seconds=1))


def test_nobody_hands_out_what_they_may_not_do_themselves() -> None:
    ana = User.objects.create_user("ana")
    ana.user_permissions.add(Permission.objects.get(codename="view_call"))
    assert issue_key(ANA, "reader", ["view_call"], holder=ana)[0].scopes == ["view_call"]
    with pytest.raises(NotAllowed):
        issue_key(ANA, "dialler", ["view_call", "place_call"], holder=ana)
