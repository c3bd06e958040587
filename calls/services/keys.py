"""API keys: issued and revoked."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from calls.errors import BadInput, CallStateError, NotAllowed
from calls.models import ApiKey
from calls.permissions import GRANTABLE, scope
from calls.services import audit
from calls.services.actor import Actor
from calls.visibility import Viewer

MAX_NAME = 80


def issue_key(
    actor: Actor,
    name: str,
    scopes: list[str],
    *,
    holder: Viewer | None = None,
    creator: User | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which cannot be read back. `holder` hands out no more than it may do itself."""
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        fault = f"Give 1 to {MAX_NAME} characters."
        raise BadInput(f"The key has no usable name. {fault}", {"name": fault})
    unknown = sorted(set(scopes) - {scope(each) for each in GRANTABLE})
    if unknown or not scopes:
        fault = f"There is no scope {unknown[0]}." if unknown else "Choose at least one scope."
        raise BadInput(f"The key cannot be issued. {fault}", {"scopes": fault})
    lacking = [each for each in scopes if holder is not None and not holder.has_perm(f"calls.{each}")]
    if lacking:
        raise NotAllowed(f"You lack {lacking[0]} yourself, so no key can get it from you. Leave it out, or ask for it.")
    if expires_at is not None and expires_at <= timezone.now():
        fault = "Choose a moment in the future, or none."
        raise BadInput(f"The key would have expired already. {fault}", {"expires_at": fault})
    with transaction.atomic():
        key, token = ApiKey.issue(name, sorted(set(scopes)), secret=secret, created_by=creator, expires_at=expires_at)
        audit.record(
            actor, "issue_key", target=key.name, target_id=key.pk, prefix=key.prefix, scopes=", ".join(key.scopes)
        )
    return key, token


def revoke_key(actor: Actor, key: ApiKey) -> None:
    """The key lets nobody in any more; raises CallStateError if it was revoked before."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            raise CallStateError(f"{key.name} was revoked before.")
        audit.record(actor, "revoke_key", target=key.name, target_id=key.pk, prefix=key.prefix)
    key.refresh_from_db()
