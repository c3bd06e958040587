"""Fills the demo's scratch database: migrations, two people, four policies, an API key, a clip."""

import io
import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from acsportal.demo import PHONE_PAGE, PHRASES, SALES_LINE, SUPPORT_LINE
from calls import recognisers
from calls.models import ApiKey, CallPolicy, Clip
from calls.permissions import scope
from calls.roles import ROLES
from calls.services import PORTAL, add_clip, issue_key
from streaming.audio import to_pcm, tone, wav

LISTENS_HERE = {"recogniser": recognisers.POCKETSPHINX, "language": "en-US", "phrases": PHRASES}
KEPT = {"recording_start": "now", "recording_keep_days": 7}

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if urlsplit(settings.PUBLIC_URL).hostname not in LOOPBACK:
            raise CommandError("The demo's passwords are known to everybody, so it runs on loopback only.")
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        _people()
        _policies()
        _clips()
        secret = os.environ.get("DEMO_API_KEY", "")
        if secret and ApiKey.objects.filter(name="Demo").first() is None:
            issue_key(PORTAL, "Demo", sorted(scope(each) for each in ROLES["supervisor"]), secret=secret)


def _people() -> None:
    users = get_user_model()
    if not users.objects.filter(username="admin").exists():
        users.objects.create_superuser("admin", password="admin")  # noqa: S106 (demo only, loopback only)
    # Supervisors keep the policies, which are in the admin.
    demo, created = users.objects.get_or_create(username="demo", defaults={"is_staff": True})
    if created:
        demo.set_password("demo")
        demo.save()
    demo.groups.add(Group.objects.get(name="supervisor"))


def _policies() -> None:
    wanted: list[dict[str, Any]] = [
        {
            "name": "Phone page",
            "position": 5,
            "caller_pattern": PHONE_PAGE,
            "callee_pattern": "+1800555010[01]",
            "action": "answer",
            **LISTENS_HERE,
        },
        {
            "name": "Support line",
            "position": 10,
            "callee_pattern": SUPPORT_LINE,
            "action": "answer",
            "recogniser": recognisers.AZURE_CALL,
        },
        {
            "name": "Sales line",
            "position": 20,
            "callee_pattern": SALES_LINE,
            "action": "answer",
            "channel_type": "mixed",
            "sample_rate_hz": 24000,
            "recogniser": recognisers.AZURE_CALL,
        },
        {"name": "Front desk", "position": 30, "callee_pattern": "+18005550102", "action": "ring", **LISTENS_HERE},
    ]
    for each in wanted:
        CallPolicy.objects.get_or_create(name=each["name"], defaults=KEPT | each)


def _clips() -> None:
    if Clip.objects.exists():
        return
    chime = io.BytesIO(wav(to_pcm(tone(880, 1_500, 16_000)), 16_000))
    add_clip(PORTAL, "Chime", SimpleUploadedFile("chime.wav", chime.getvalue(), "audio/wav"))
