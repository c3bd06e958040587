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
