"""Who gives an order: a signed-in person, an API key, a policy, or the portal itself; and by which way it came."""

from dataclasses import dataclass
from typing import Literal

from django.http import HttpRequest

from calls.models import ApiKey

ActorKind = Literal["user", "api_key", "policy", "portal"]
Via = Literal["page", "admin", "api", ""]


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    name: str
    via: Via = ""
    address: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Actor":
        """The person or key behind a request that a door has let in."""
        address = str(request.META.get("REMOTE_ADDR") or "")[:45]
        key = getattr(request, "auth", None)
        if isinstance(key, ApiKey):
            return cls("api_key", f"API key {key.name}"[:150], "api", address)
        return cls("user", request.user.get_username()[:150], _via(request), address)

    @classmethod
    def policy(cls, name: str) -> "Actor":
        return cls("policy", f"policy {name}"[:150])


def _via(request: HttpRequest) -> Via:
    match = request.resolver_match
    space = match.namespaces[0] if match and match.namespaces else ""
    return "admin" if space == "admin" else "api" if space == "api" else "page"


PORTAL = Actor("portal", "portal")
