import pytest
from django.db import transaction

from calls.models import AuditEntry
from calls.services import Actor, audit
from tests.calls.scene import live_call, root, signed_in, staff

pytestmark = pytest.mark.django_db
LIST = "/admin/calls/auditentry/"


@pytest.fixture
def entry() -> AuditEntry:
    with transaction.atomic():
        return audit.record(Actor("user", "ana", "page", "192.0.2.7"), "hang_up", call=live_call(), reason="late")


def test_entries_are_listed_and_read(entry: AuditEntry) -> None:
    client = signed_in(staff("view_auditentry"))
    page = client.get(LIST).content.decode()
    assert "ana" in page
    assert "192.0.2.7" in page
    one = client.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert entry.digest in one
    assert "reason: late" in one


def test_nobody_adds_changes_or_deletes_one_not_even_a_superuser(entry: AuditEntry) -> None:
    client = root()
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}{entry.pk}/change/", {"actor": "ben"}).status_code == 403
    assert client.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert AuditEntry.objects.get().actor == "ana"


def test_who_sees_calls_only_sees_no_audit(entry: AuditEntry) -> None:
    assert signed_in(staff()).get(LIST).status_code == 403
