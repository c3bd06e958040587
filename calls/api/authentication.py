"""Who asks: the holder of an API key, or a person signed in at a browser."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from calls.errors import CallError
from calls.models import ApiKey
from calls.permissions import scope

SCHEME: Final = "Api-Key"
USE_NOTED_EVERY: Final = timedelta(minutes=1)


class CsrfRefused(CallError):  # noqa: N818
    """A browser's order without proof that a page of ours gave it."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "csrf_refused",
            "The order carries no valid CSRF token. Send the page's token as X-CSRFToken, or use an API key.",
        )


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Stands where a user would: what it may do is what its key's scopes say."""

    key: ApiKey

    is_authenticated: ClassVar = True
    is_anonymous: ClassVar = False
    is_active: ClassVar = True

    @property
    def pk(self) -> str:
        return f"key-{self.key.pk}"

    def get_username(self) -> str:
        return self.key.name

    def has_perm(self, permission: str) -> bool:
        return scope(permission) in self.key.scopes


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <secret>`."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        now = timezone.now()
        key = ApiKey.find(secret.strip(), now)
        if key is None:
            raise AuthenticationFailed("The API key is unknown, expired or revoked. Ask for a new one.")
        _note_use(key, now)
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        return f'{SCHEME} realm="acsportal"'


class BrowserSession(SessionAuthentication):
    """The session of a signed-in person; every order needs the page's CSRF token."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise CsrfRefused from error


def _note_use(key: ApiKey, now: datetime) -> None:
    """Keeps `last_used_at` to the minute, so that reading does not write with every request."""
    long_ago = now - USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at <= long_ago:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lte=long_ago)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)
