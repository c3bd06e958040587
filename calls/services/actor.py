"""Who gives an order: a signed-in person, an API key, a policy, or the portal itself."""

from dataclasses import dataclass
from typing import Literal

from django.http import HttpRequest

from calls.models import ApiKey

ActorKind = Literal["user", "api_key", "policy", "portal"]


@dataclass(frozen=True, slots=True)
class Actor:
    kind: ActorKind
    name: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Actor":
        """The person or key behind a request that a door has let in."""
        key = getattr(request, "auth", None)
        if isinstance(key, ApiKey):
            return cls("api_key", f"API key {key.name}"[:150])
        return cls("user", request.user.get_username()[:150])

    @classmethod
    def policy(cls, name: str) -> "Actor":
        return cls("policy", f"policy {name}"[:150])


PORTAL = Actor("portal", "portal")
