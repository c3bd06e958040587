"""One portal of each kind, as a process of its own, with a call that streams while the tests attack."""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from tests.hostile.neighbour import Neighbour, neighbour_of
from tests.journeys.conftest import services_answer
from tests.streaming.doorstep import Door, opened

# The embedded portal is attacked on every machine, the one with Redis and PostgreSQL in the long ring.
KINDS = ["daphne", pytest.param("uvicorn", marks=pytest.mark.long)]


@pytest.fixture(scope="session", params=KINDS)
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, lacks: Callable[[str], NoReturn]
) -> Iterator[Door]:
    """The attacked portal; its log must hold no traceback at the end."""
    kind: str = request.param
    if kind == "uvicorn" and not services_answer():
        lacks("PostgreSQL and Redis on 127.0.0.1")
    with opened(kind, tmp_path_factory.mktemp(f"hostile-{kind}")) as found:
        yield found


@pytest.fixture(scope="module")
def neighbour(door: Door) -> Iterator[Neighbour]:
    with neighbour_of(door) as found:
        yield found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Attacks must not attack each other; and what a neighbour notices is only to be measured on a quiet machine."""
    for item in items:
        if "tests/hostile/" in item.path.as_posix():
            item.add_marker(pytest.mark.journey)
            if "neighbour" in item.fixturenames or "scene" in item.fixturenames:
                item.add_marker(pytest.mark.alone)
