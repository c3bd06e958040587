"""The stacks that journeys of a module share, one of each kind. An idle one costs, so none outlives its module."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis
from playwright.sync_api import Browser

from tests.journeys.desk import CHROMIUM, chromium
from tests.journeys.faults import SUPPORT, Neighbour, disarm
from tests.journeys.stack import POSTGRES, REDIS, Stack, running

KINDS = ["embedded", "site"]
SAME_EVERYWHERE = ("test_faults_", "test_sound", "test_words", "test_recogniser", "test_phone")
# Tests ask twenty times a second, and together more than any integrator may.
OFTEN = {"API_READ_RATE": "100000/min", "API_ORDER_RATE": "100000/min"}


def services_answer() -> bool:
    try:
        psycopg.connect(POSTGRES, connect_timeout=2).close()
        client = redis.Redis.from_url(REDIS, socket_connect_timeout=2)
        client.ping()
        client.close()
    except (psycopg.OperationalError, redis.RedisError):
        return False
    return True


@pytest.fixture(scope="module")
def stacks(
    tmp_path_factory: pytest.TempPathFactory, lacks: Callable[[str], NoReturn]
) -> Iterator[Callable[[str], Stack]]:
    """Starts a stack of a kind the first time that somebody asks for it."""
    started: dict[str, Stack] = {}
    opened: list[Iterator[Stack]] = []

    def get(kind: str) -> Stack:
        if kind not in started:
            if kind == "site" and not services_answer():
                lacks("PostgreSQL and Redis on 127.0.0.1")
            folder: Path = tmp_path_factory.mktemp(kind)
            manager = running(folder, many=kind == "site", environment=OFTEN)
            started[kind] = manager.__enter__()
            opened.append(manager)  # type: ignore[arg-type]
        return started[kind]

    yield get
    for manager in opened:
        manager.__exit__(None, None, None)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def browser(lacks: Callable[[str], NoReturn]) -> Iterator[Browser]:
    if CHROMIUM is None:
        lacks("Chromium")
    with chromium() as opened:
        yield opened


@pytest.fixture(params=KINDS)
def stack(request: pytest.FixtureRequest, stacks: Callable[[str], Stack]) -> Iterator[Stack]:
    """SQLite, in-memory layer and Daphne; then PostgreSQL, Redis and uvicorn. Each test leaves it without calls."""
    found = stacks(request.param)
    yield found
    found.hang_up_all()


@pytest.fixture
def neighbour(stack: Stack) -> Iterator[Neighbour]:
    """Beside each test; what is still armed afterwards must not meet the next one."""
    beside = Neighbour.of(stack)
    yield beside
    disarm(stack)
    beside.noticed_nothing()
    stack.caller_hangs_up(beside.emulated)


@pytest.fixture
def talking(stack: Stack) -> Iterator[tuple[str, str]]:
    """A call that streams: the emulator's id and ours."""
    emulated, call = stack.streaming_call(**SUPPORT)
    yield emulated, call
    stack.caller_hangs_up(emulated)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything is tried on the embedded portal; what a site does no differently, on a site's in the soak."""
    for item in items:
        tried = getattr(item, "callspec", None)
        if tried is not None and item.path.name.startswith(SAME_EVERYWHERE) and "site" in tried.params.values():
            item.add_marker(pytest.mark.soak)
