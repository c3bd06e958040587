"""What lets other programs in: API keys."""

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

PREFIX_LENGTH = 8


class ApiKey(models.Model):
    """A random secret of 256 bits of which only a prefix and the SHA-256 are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=PREFIX_LENGTH, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list, help_text="Permission names, such as view_call or inject_call.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name", "prefix")
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, name: str, scopes: list[str], secret: str | None = None, **fields: object) -> tuple["ApiKey", str]:
        """A new key and its secret, which is shown once and cannot be read back."""
        token = secret or f"acs_{secrets.token_urlsafe(32)}"
        prefix = cls.digest_of(f"prefix:{token}")[:PREFIX_LENGTH]
        key = cls.objects.create(name=name, scopes=scopes, prefix=prefix, digest=cls.digest_of(token), **fields)
        return key, token

    @classmethod
    def find(cls, token: str, now: datetime) -> "ApiKey | None":
        """The valid key behind a secret; compared in constant time."""
        prefix = cls.digest_of(f"prefix:{token}")[:PREFIX_LENGTH]
        key = cls.objects.filter(prefix=prefix, revoked_at=None).first()
        if key is None or not hmac.compare_digest(key.digest, cls.digest_of(token)):
            return None
        return None if key.expires_at and key.expires_at <= now else key
