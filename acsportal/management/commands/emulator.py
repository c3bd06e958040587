"""Starts the ACS emulator alone; the same as `python -m acsportal.emulator`."""

from typing import Any

from django.core.management.base import BaseCommand

from acsportal.emulator.__main__ import main


class Command(BaseCommand):
    help = __doc__

    def run_from_argv(self, argv: list[str]) -> None:
        # Its options are the emulator's own, so that both ways of starting it know the same ones.
        raise SystemExit(main(argv[2:]))

    def handle(self, *args: Any, **options: Any) -> None:
        main([])
