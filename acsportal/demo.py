"""`python -m acsportal.demo`: portal and emulator on loopback, with sample calls that ring at once.

A supervisor of child processes that needs no Django itself. Everything it writes is below DEMO_DIR.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_WITHIN_S = 90.0
END_WITHIN_S = 8.0
AGAIN_AFTER_S = 2.0
# Keys of the emulator's own that open nothing elsewhere.
ACCESS_KEY = "ZGVtby1hY2Nlc3Mta2V5LW9wZW5zLW5vdGhpbmctZWxzZQ=="
RESOURCE_ID = "00000000-0000-0000-0000-000000000001"
SUPPORT_LINE, SALES_LINE = "+18005550100", "+18005550101"
# The emulator's phone page calls from +14255550199 and the numbers below it.
PHONE_PAGE = "+142555501[89]?"
PHRASES = """Contoso
Fabrikam
internet connection
customer number
power light
power supply
router
blinking
opening hours
cancel my order
where is my order
delivery date
return the parcel
change my address
reset my password
billing department
technical support
speak to a human
talk to an agent
call me back
thank you very much
good morning
goodbye"""
# How the names of the portal's settings begin; each may end in _FILE.
SETTINGS = (
    *("ACS_", "STREAM_", "SPEECH_", "API_", "SECURE_", "SECRET_KEY", "EVENT_GRID_SECRET", "DATABASE_URL", "REDIS_"),
    *("PUBLIC_URL", "ALLOWED_", "DEBUG", "LOG_", "METRICS_", "PROMETHEUS_", "VAR_DIR", "MEDIA_ROOT", "BEHIND_PROXY"),
)
JOB_WORKER = ("manage.py", "db_worker", "--interval", "2")
SAMPLE_CALLS = (
    {"caller": "+14255550123", "callee": SUPPORT_LINE, "scenario": "support"},
    {"caller": "+442079460123", "callee": SALES_LINE, "scenario": "sales"},
)


class DemoError(Exception):
    """The demo cannot run; the message is one sentence with the remedy."""


class Ended(Exception):  # noqa: N818 (asked for, not a fault)
    """Somebody asked the demo to end."""


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    emulator_port: int
    folder: Path

    @property
    def emulator(self) -> str:
        return f"http://{HOST}:{self.emulator_port}"

    @property
    def portal(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass
class Child:
    """A process of the demo, its log, and what a person calls it. One with `again` is started again if it ends."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    again: tuple[str, ...] = ()
    ended_s: float | None = None


@dataclass
class Demo:
    options: Options
    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, *command: str) -> Child:
        log = self.options.folder / f"{name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and modules)
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=sink, stderr=sink
            )
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def wait_until(self, url: str, child: Child) -> None:
        """Until `url` answers; raises DemoError if the process ends first or the time runs out."""
        until_s = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until_s:
            if child.process.poll() is not None:
                raise DemoError(f"The {child.name} ended while it started; {child.log} says why.")
            if answers(url):
                return
            time.sleep(0.05)
        raise DemoError(f"The {child.name} did not answer within {READY_WITHIN_S:.0f} s; {child.log} says why.")

    def watch(self) -> None:
        """Until a child ends by itself that the demo cannot do without."""
        while True:
            for child in tuple(self.children):
                if child.process.poll() is None:
                    continue
                if not child.again:
                    raise DemoError(f"The {child.name} ended by itself; {child.log} says why.")
                self._start_again(child)
            time.sleep(0.5)

    def _start_again(self, child: Child) -> None:
        """After a pause, so that one that cannot start does not keep the machine busy."""
        if child.ended_s is None:
            child.ended_s = time.monotonic()
        elif time.monotonic() - child.ended_s >= AGAIN_AFTER_S:
            self.children.remove(child)
            self.start(child.name, *child.again).again = child.again

    def end(self) -> None:
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()
        until_s = time.monotonic() + END_WITHIN_S
        for child in self.children:
            try:
                child.process.wait(max(0.1, until_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 (loopback)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def read_options() -> Options:
    folder = Path(os.environ.get("DEMO_DIR") or ROOT / "var" / "demo").resolve()
    port, emulator_port = _port("PORT", 8000), _port("EMULATOR_PORT", 8085)
    if port == emulator_port:
        raise DemoError(f"PORT and EMULATOR_PORT are both {port}; choose another with EMULATOR_PORT={port + 85}.")
    return Options(port, emulator_port, folder)


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 65_535:
        raise DemoError(f"{name} is {value!r}, which is no port; choose 1 to 65535.")
    port = int(value)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise DemoError(
                f"Port {port} is taken; choose another with {name}=…, such as {name}={port + 10}."
            ) from None
    return port


def environment_of(options: Options) -> dict[str, str]:
    """What the portal needs to talk to the emulator, and nothing of a deployment's own settings."""
    folder = options.folder
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return inherited | {
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "acsportal.settings",
        "PYTHONUNBUFFERED": "1",
        "VAR_DIR": str(folder),
        "SECRET_KEY": kept_secret(folder / "secret_key"),
        "EVENT_GRID_SECRET": kept_secret(folder / "event_grid_secret"),
        "DEMO_API_KEY": kept_secret(folder / "api_key", "acs_"),
        "PUBLIC_URL": options.portal,
        "DATABASE_URL": f"sqlite:///{folder / 'portal.sqlite3'}",
        "ACS_ENDPOINT": options.emulator,
        "ACS_ACCESS_KEY": ACCESS_KEY,
        "ACS_RESOURCE_ID": RESOURCE_ID,
        "ACS_OIDC_URL": f"{options.emulator}/calling/.well-known/acsopenidconfiguration",
        "ACS_CALLER_NUMBER": SUPPORT_LINE,
        "ACS_AI_ENDPOINT": options.emulator,
        "LOG_FORMAT": "line",
        "STREAM_DRAIN_S": "0",  # who ends the demo means it
    }


def kept_secret(path: Path, prefix: str = "") -> str:
    """A random secret that stays the same for this DEMO_DIR, readable by its owner only.

    Hexadecimal, because it is passed on as an argument: one that began with a dash would be taken for an option.
    """
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(prefix + secrets.token_hex(32), encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


def run(options: Options) -> None:
    """Until somebody ends it."""
    options.folder.mkdir(parents=True, exist_ok=True)
    environment = environment_of(options)
    demo = Demo(options, environment)
    try:
        azure = demo.start("emulator", *emulator(demo))
        prepare(demo)
        portal = demo.start("portal", *daphne(options.port))
        demo.wait_until(f"{options.emulator}/emulator/calls", azure)
        demo.wait_until(f"{options.portal}/readyz", portal)
        demo.start("worker", *JOB_WORKER).again = JOB_WORKER
        say(
            f"READY portal=http://localhost:{options.port} emulator={options.emulator} "
            f"login=demo/demo admin=admin/admin api_key={environment['DEMO_API_KEY']}"
        )
        for call in SAMPLE_CALLS:
            ring(options, call)
        demo.watch()
    finally:
        demo.end()


def emulator(demo: Demo) -> list[str]:
    """The emulator's arguments, for the portal that this demo starts."""
    options = demo.options
    addresses = ["--port", str(options.emulator_port), "--portal", options.portal]
    keys = ["--access-key", ACCESS_KEY, "--resource-id", RESOURCE_ID]
    return ["-m", "acsportal.emulator", *addresses, *keys, "--event-grid-secret", demo.environment["EVENT_GRID_SECRET"]]


def daphne(port: int) -> list[str]:
    """Daphne's arguments for one process on loopback.

    It looks each two seconds which sockets have been silent for five: a dead one is known within 12 s.
    Its limits are above the media endpoint's own 256 KiB: Daphne would drop the connection without a close code.
    """
    limits = ["--websocket-max-message-size", "524288", "--websocket-max-frame-size", "524288"]
    # By itself it lets 50 connections wait to be accepted, and the 51st for a second at least.
    where = f"tcp:port={port}:interface={HOST}:backlog=1024"
    base = ["-m", "daphne", "-v", "0", "-e", where, "--websocket_timeout", "-1"]
    pings = ["--ping-interval", "5", "--ping-timeout", "5"]
    return [*base, *limits, *pings, "--application-close-timeout", "2", "acsportal.asgi:application"]


def prepare(demo: Demo) -> None:
    """Database, people, policies, clips: a child that ends by itself."""
    child = demo.start("prepare", "manage.py", "prepare_demo")
    code = child.process.wait()
    demo.children.remove(child)
    if code != 0:
        raise DemoError(f"The database could not be prepared; {child.log} says why.")


def ring(options: Options, call: dict[str, str]) -> None:
    """Asks the emulator to ring the portal."""
    request = urllib.request.Request(  # noqa: S310 (loopback)
        f"{options.emulator}/emulator/calls",
        data=json.dumps(call).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
    except (urllib.error.URLError, OSError) as error:
        raise DemoError(f"The emulator did not ring the portal: {error}.") from error


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _end(signal_number: int, frame: FrameType | None) -> None:
    raise Ended


def main(argv: Sequence[str] | None = None) -> int:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        run(read_options())
    except Ended:
        return 0
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
