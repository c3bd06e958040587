"""What all tests share."""

import os
from collections.abc import Callable
from typing import NoReturn

import pytest

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
    """The long ring runs in CI, and elsewhere when asked for: LONG=1 make test."""
    if IN_CI or os.environ.get("LONG"):
        return
    skip = pytest.mark.skip(reason="long: runs in CI, or with LONG=1")
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(skip)
