"""Puts a running portal under load: so many emulated calls in real time, and what they cost."""

import argparse
import dataclasses
import ipaddress
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from acsportal.demo import SUPPORT_LINE
from acsportal.load.asking import LoadError
from acsportal.load.azure import EmulatedCalls
from acsportal.load.portal import Portal
from acsportal.load.run import LATENCY, Result, load

EMULATOR: Final = "http://127.0.0.1:8085"
MOST_STREAMS: Final = 500  # the emulator remembers no more calls
MOST_S: Final = 3_600.0
EPILOG: Final = f"""\
The emulator must be Azure for that portal (`make demo`, or `python manage.py emulator` at its ACS_ENDPOINT).
Latency is measured {LATENCY}.
CPU and memory are those of the portal's processes on this machine, as far as they answer at /livez.
A run that the emulator could not keep up with says so and tells nothing of the portal.
"""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def create_parser(self, *given: Any, **named: Any) -> Any:
        return super().create_parser(*given, epilog=EPILOG, **named)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("--streams", type=int, default=10, help="calls at once, with a voice each (%(default)s)")
        add("--seconds", type=float, default=10.0, help="how long all of them talk (%(default)s)")
        add("--json", action="store_true", help="print one JSON object instead of lines")
        add("--portal", default=settings.PUBLIC_URL, help="where the portal is (%(default)s)")
        add("--emulator", default=settings.ACS_ENDPOINT or EMULATOR, help="where the emulator is (%(default)s)")
        add("--callee", default=SUPPORT_LINE, help="a number whose policy answers at once and streams (%(default)s)")
        add("--api-key", default="", help="a key that may look at calls (default: the demo's own)")
        add("--anywhere", action="store_true", help="load a portal that is not on this machine all the same")

    def handle(self, *args: Any, **options: Any) -> None:
        streams, seconds = options["streams"], options["seconds"]
        if not 1 <= streams <= MOST_STREAMS:
            raise CommandError(f"--streams is {streams}; it may be 1 to {MOST_STREAMS}.")
        if not 1 <= seconds <= MOST_S:
            raise CommandError(f"--seconds is {seconds:g}; it may be 1 to {MOST_S:g}.")
        portal, emulator = options["portal"].rstrip("/"), options["emulator"].rstrip("/")
        if not options["anywhere"]:
            for name, url in (("--portal", portal), ("--emulator", emulator)):
                if not _is_loopback(url):
                    raise CommandError(f"{name} {url} is not on this machine; add --anywhere if you mean to load it.")
        key = options["api_key"] or _demo_key()
        try:
            result = load(Portal(portal, key), EmulatedCalls(emulator, options["callee"]), streams, seconds)
        except LoadError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(dataclasses.asdict(result)) if options["json"] else _lines(result))


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CommandError(f"{url} is no address; it has to begin with http:// or https://.")
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _demo_key() -> str:
    """That of the demo on this machine, if there is one."""
    folder = Path(os.environ.get("DEMO_DIR") or settings.BASE_DIR / "var" / "demo")
    try:
        return (folder / "api_key").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _lines(result: Result) -> str:
    def shown(value: float | None, unit: str) -> str:
        return "not known" if value is None else f"{value:g} {unit}"

    lines = [
        f"{result.streams} streams for {result.seconds:g} s against {result.portal}, set up in {result.setup_s:g} s",
        f"frames   {result.frames_sent} sent, {result.frames_received} received, {result.frames_lost} lost",
        f"latency  p50 {shown(result.latency_p50_ms, 'ms')}, p99 {shown(result.latency_p99_ms, 'ms')} (ping to pong)",
        f"CPU      {shown(result.cpu_us_per_frame, 'µs')} a frame, {shown(result.cpu_core, 'of a core')}",
        f"memory   {shown(result.memory_mib, 'MiB')} in {result.processes} process(es)",
        f"emulator {shown(result.emulator_core, 'of a core')}",
    ]
    if result.limited_by:
        lines.append(f"This run tells nothing of the portal: it was limited by {result.limited_by}.")
    return "\n".join(lines)
