"""The portals that tests of a module share, one of each kind. An idle one costs, so none outlives its module."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from tests.journeys.conftest import services_answer
from tests.streaming.doorstep import Door, opened

KINDS = ("daphne", "uvicorn")


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, lacks: Callable[[str], NoReturn]) -> Iterator[Callable[..., Door]]:
    """Starts a portal of a kind the first time that somebody asks for it."""
    started: dict[str, Door] = {}
    with ExitStack() as kept:

        def get(kind: str, **environment: str) -> Door:
            name = "-".join((kind, *environment.values()))
            if name not in started:
                if kind == "uvicorn" and not services_answer():
                    lacks("PostgreSQL and Redis on 127.0.0.1")
                started[name] = kept.enter_context(opened(kind, tmp_path_factory.mktemp(name), **environment))
            return started[name]

        yield get


@pytest.fixture(params=KINDS)
def door(request: pytest.FixtureRequest, doors: Callable[..., Door]) -> Door:
    return doors(request.param)
