"""Typed, loud readers of the environment. `NAME_FILE` reads the value of `NAME` from a file (for mounted secrets)."""

import os
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}
SECURE, PLAIN = {"https", "wss"}, {"http", "ws"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def text(name: str, default: str | None = None) -> str:
    """The value of `name`, or of the file that `name`_FILE points to; without either `default`, or an error."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from error
    value = os.environ.get(name)
    if value is not None:
        return value.strip()
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. Set it in the environment, or {name}_FILE to a file with it.")
    return default


def flag(name: str, default: bool) -> bool:
    """A yes or no: true/false, yes/no, on/off, 1/0."""
    word = text(name, str(default)).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {word!r}, which is neither yes nor no. Use true or false.")


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = text(name, str(default))
    try:
        found = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}, which is not a whole number.") from None
    if not low <= found <= high:
        raise ImproperlyConfigured(f"{name} is {found}; it may be {low} to {high}.")
    return found


def address(name: str, default: str) -> SplitResult:
    """An http or https address with a host."""
    value = text(name, default)
    try:
        found = urlsplit(value.rstrip("/"))
        usable = found.scheme in {"http", "https"} and found.hostname and found.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must look like https://portal.example.com.")
    return found


def service(name: str, default: str = "") -> str:
    """The address of a service that is sent sound and a key: encrypted, unless it is on this machine; "" if unset."""
    value = text(name, default).rstrip("/")
    try:
        found = urlsplit(value)
        usable = found.scheme in SECURE or (found.scheme in PLAIN and found.hostname in LOOPBACK)
        usable = usable and bool(found.hostname) and found.port != 0
    except ValueError:
        usable = False
    if value and not usable:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must begin with wss:// or https:// and name a host.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas; empty members are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`, in any casing."""
    value = text(name, default).lower()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it may be {', '.join(allowed)}.")
    return value
