"""What all tests share."""

import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from django.db import connection
from django.db.models.signals import post_migrate

from calls.roles import make_groups

IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def lacks() -> Callable[[str], NoReturn]:
    """Says that the machine lacks something: skipped aloud on a laptop, a failure in CI."""

    def say(what: str) -> NoReturn:
        if IN_CI:
            pytest.fail(f"CI must have {what}")
        pytest.skip(f"this machine lacks {what}")

    return say


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first. The long ring runs in CI, and elsewhere when asked for: LONG=1 make test.

    On CI's shared cores a journey that fails is tried once more; the report names it.
    """
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)
    if IN_CI:
        for item in items:
            if item.get_closest_marker("journey"):
                item.add_marker(pytest.mark.flaky(reruns=1))
    if IN_CI or os.environ.get("LONG"):
        return
    skip = pytest.mark.skip(reason="long: runs in CI, or with LONG=1")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)


def pytest_configure(config: pytest.Config) -> None:
    """A test that empties the database takes away the groups that a migration made; Django says when it has done so."""
    post_migrate.connect(roles_again, dispatch_uid="roles of the tests")


def roles_again(sender: Any, **_: Any) -> None:
    if sender.name == "calls":
        make_groups(sender.apps.get_model("auth", "Group"), sender.apps.get_model("auth", "Permission"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Threads of the portal may hold connections when the last test is over; PostgreSQL waits for none of them."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
