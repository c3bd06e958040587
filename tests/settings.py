"""The portal's settings for tests: a fixed secret and a fast password hasher, all else as in production."""

import os

os.environ.setdefault("ENV_FILE", os.devnull)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
os.environ.setdefault("PUBLIC_URL", "http://testserver")
os.environ.setdefault("EVENT_GRID_SECRET", "grid-secret")

from acsportal.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "recordings": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
