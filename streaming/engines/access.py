"""What a recogniser needs to reach a service outside: addresses and keys.

The engines know no settings. Whoever starts the portal grants them what the settings say, once; a test hands it over.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from streaming.engines.contract import EngineError


@dataclass(frozen=True, slots=True)
class AzureSpeechAccess:
    """`region` such as "westeurope", or else `endpoint`: the resource's own address, or a speech container's."""

    key: str = field(repr=False)
    region: str = ""
    endpoint: str = ""

    @property
    def is_set(self) -> bool:
        """A container of one's own asks for no key."""
        return bool(self.endpoint or (self.key and self.region))


@dataclass(frozen=True, slots=True)
class OpenAIAccess:
    """`url` is that of the Realtime socket; `model` is a model of OpenAI, or a deployment of Azure OpenAI."""

    key: str = field(repr=False)
    url: str
    model: str

    @property
    def is_set(self) -> bool:
        return bool(self.key)


class _Access(Protocol):
    @property
    def is_set(self) -> bool: ...


Access = TypeVar("Access", bound=_Access)
_granted: dict[type, Any] = {}


def grant(*accesses: _Access) -> None:
    """Each replaces the one of its kind that was granted before."""
    for access in accesses:
        _granted[type(access)] = access


def granted(kind: type[Access], remedy: str) -> Access:
    """Raises EngineError with `remedy` if none was granted, or one that leads nowhere."""
    access: Access | None = _granted.get(kind)
    if access is None or not access.is_set:
        raise EngineError(remedy)
    return access
