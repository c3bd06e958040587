"""`python -m acsportal.preflight`: can this portal start with these settings? One sentence if not, JSON if it can.

In a process of its own, so that the supervisor of `make serve` need not load Django, and no worker is started and
started again for a setting that is missing.
"""

import json
import os
import sys
from typing import Final

import django
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET: Final = 32


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acsportal.settings")
    try:
        django.setup()
        if len(settings.SECRET_KEY) < SHORTEST_SECRET:
            raise ImproperlyConfigured(f"SECRET_KEY is too short to keep a secret: give it {SHORTEST_SECRET} letters.")
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        return 1
    errors = [each for each in checks.run_checks() if each.level >= checks.ERROR]
    if errors:
        sys.stderr.write(" ".join(f"{each.msg} {each.hint or ''}".strip() for each in errors) + "\n")
        return 1
    facts = {
        "redis": bool(settings.REDIS_URL),
        "postgresql": settings.DATABASES["default"]["ENGINE"].endswith("postgresql"),
        "log_format": settings.LOG_FORMAT,
        "log_level": settings.LOGGING["root"]["level"],
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
