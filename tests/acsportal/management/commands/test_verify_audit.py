import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from calls.models import AuditEntry
from calls.services import Actor, audit

pytestmark = pytest.mark.django_db


def verify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("verify_audit", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def entries() -> None:
    with transaction.atomic():
        for number in range(3):
            audit.record(Actor("user", "ana"), "place", target=str(number))


def test_a_whole_chain_is_called_whole_and_its_head_can_be_kept() -> None:
    said = verify()
    assert "The audit is whole: 3 entries." in said
    assert said.split()[-1] == AuditEntry.objects.get(number=3).digest
    audit.record(Actor("user", "ana"), "place")
    assert "4 entries" in verify("--head", said.split()[-1])


def test_one_altered_row_is_found_and_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE calls_auditentry SET actor = 'ben' WHERE number = 2")
    with pytest.raises(CommandError, match="1 fault"):
        verify()


def test_a_chain_that_was_written_anew_lacks_a_head_that_was_kept() -> None:
    with pytest.raises(CommandError, match="tampered"):
        verify("--head", "0" * 64)
