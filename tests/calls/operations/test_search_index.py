"""The index is there after the migration, finds what was said before it, and survives what Django does to tables."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from calls.models import Segment
from calls.operations import search_index
from calls.selectors.search import Wanted, passages
from tests.calls.transcripts_scene import say, spoken_call

SEER = User(username="seer", is_superuser=True)


def found(q: str) -> int:
    return passages(SEER, Wanted(q=q)).count()


@pytest.mark.django_db(transaction=True)
def test_what_was_said_before_the_index_was_made_is_found() -> None:
    spoken_call("an old refund")
    search_index.drop(connection)
    search_index.drop(connection)
    executor = MigrationExecutor(connection)
    executor.migrate([("calls", "0009_rights_to_keep")])
    try:
        assert ("calls", "0010_search") not in MigrationExecutor(connection).loader.applied_migrations
    finally:
        call_command("migrate", "calls", verbosity=0)
    assert found("refund") == 1


@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_rebuilt_gets_its_triggers_back() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no triggers here")
    call = spoken_call("an old refund")
    with connection.cursor() as cursor:
        for name in search_index.SQLITE_TRIGGERS:
            cursor.execute(f"DROP TRIGGER {name}")
    say(call, "a refund that nobody indexed", at_s=60)
    assert found("refund") == 1
    call_command("migrate", verbosity=0)
    assert found("refund") == 2
    say(call, "a refund again", at_s=70)
    assert found("refund") == 3


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_emptied_finds_nothing() -> None:
    spoken_call("a refund")
    call_command("flush", verbosity=0, interactive=False)
    assert found("refund") == 0
    spoken_call("a refund")
    assert found("refund") == 1


@pytest.mark.django_db
def test_rows_that_come_and_go_together_are_followed() -> None:
    call = spoken_call()
    Segment.objects.bulk_create(
        Segment(
            call=call, key=str(each), seq=each, text=f"refund {each}", final=True, source="test",
            started_at=call.since, ended_at=call.since,
        )
        for each in range(50)
    )  # fmt: skip
    assert found("refund") == 50
    call.segments.filter(seq__lt=20).update(text="voucher")
    assert (found("refund"), found("voucher")) == (30, 20)
    call.segments.filter(seq__lt=10).delete()
    assert found("voucher") == 10
