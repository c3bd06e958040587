"""The rings of the tests: what each run does, CI does at a smaller scale, and only `make soak` does in full."""

import os
from typing import Final

IN_SOAK: Final = bool(os.environ.get("SOAK"))


def count_of(full: int, scaled: int) -> int:
    """The full count in `make soak`, the scaled one elsewhere: CI proves the behaviour, the soak its measure."""
    return full if IN_SOAK else scaled
