"""Asking the portal and the emulator over HTTP; what cannot be answered is one sentence for the operator."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

TIMEOUT_S: Final = 20.0
AT_ONCE: Final = 8

Given = TypeVar("Given")
Found = TypeVar("Found")


class LoadError(Exception):
    """The run cannot be made or counted; the message is one sentence with the remedy."""


def ask(method: str, url: str, content: Any = None, *, key: str = "", what: str, remedy: str) -> Any:
    """The JSON of a good answer. Raises LoadError, which begins with `what` and ends with `remedy`."""
    request = urllib.request.Request(url, method=method)  # noqa: S310 (the command checks the address)
    if content is not None:
        request.data = json.dumps(content).encode()
        request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Api-Key {key}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            return json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            raise LoadError(f"{what} refused {method} {url} with {error.code}. {remedy}") from error
    except (urllib.error.URLError, OSError) as error:
        raise LoadError(f"{what} does not answer at {url} ({_reason(error)}). {remedy}") from error
    except ValueError as error:
        raise LoadError(f"{what} answers {url} with something else than JSON. {remedy}") from error


def _reason(error: OSError) -> str:
    return str(error.reason) if isinstance(error, urllib.error.URLError) else str(error) or type(error).__name__


def in_parallel(work: Callable[[Given], Found], given: Iterable[Given]) -> Iterator[Found]:
    """The results in the order of what was given; some are worked on at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(work, given)
