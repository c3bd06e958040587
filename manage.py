#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.management import execute_from_command_line

# They ask processes that run already, so they need no secret of their own.
WITHOUT_SECRET = {"emulator", "load"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acsportal.settings")
    if sys.argv[1:2] and sys.argv[1] in WITHOUT_SECRET and "SECRET_KEY_FILE" not in os.environ:
        os.environ.setdefault("SECRET_KEY", "signs-nothing")
    execute_from_command_line(sys.argv)
