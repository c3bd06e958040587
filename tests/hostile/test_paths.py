"""Addresses that no client of ours asks for: no fault of the portal's own, and nothing raw in its log."""

import re
from collections.abc import Iterator

import pytest

from tests.hostile.neighbour import Neighbour
from tests.hostile.wire import Wire, request, upgrade
from tests.streaming.doorstep import Door

MARK = "forged-line"
TRICKS = [
    "..",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/",
    "..%252f..%252f",
    "..%5c..%5c",
    "....//",
    "%00",
    "x%00.wav",
    f"%0d%0a{MARK}",
    f"%0a{MARK}",
    f"%0d%0aSet-Cookie:%20{MARK}=1",
    f"%e2%80%a8{MARK}",
    f"%c2%85{MARK}",
    f"%1b[2K%1b[1A{MARK}",
    "%08%08%08%7f",
    "%ff%fe",
    "%c0%ae%c0%ae/",
    "%ed%a0%80",
    "%",
    "%zz",
    "%25s%25n%25d",
    "%7b%7b7*7%7d%7d",
    "{0.__class__}",
    "'%20OR%201=1--",
    "<script>alert(1)</script>",
    "%f0%9f%92%a9",
    "a" * 4_000,
    "/" * 500,
    ";x=y",
    "?" * 100,
    "nul",
    "-1",
    "99999999999999999999999999",
    "00000000-0000-0000-0000-000000000000",
]
DOORS = [
    "/{}",
    "/acs/events/{}",
    "/acs/events/?token={}",
    "/acs/callbacks/{}/",
    "/ws/acs/media/{}/",
    "/ws/live/{}",
    "/ws/calls/{}/",
    "/calls/{}/",
    "/clips/{}/",
    "/api/v1/calls/{}/",
    "/api/v1/clips/{}/audio/",
    "/api/v1/{}",
    "/api/v1/calls/?state={}",
    "/static/{}",
    "/admin/{}",
    "/login/?next={}",
]
RAW = [
    b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\r\nforged-line HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: forged-line\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX\r\nforged-line: 1\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"FORGED-LINE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


def tricks(every: int) -> Iterator[str]:
    """Each door with some of the tricks, and each trick at some of the doors."""
    for number, door in enumerate(DOORS):
        for trick in TRICKS[number % every :: every]:
            yield door.format(trick)


def answered(door: Door, said: bytes, within_s: float = 15) -> int:
    with Wire(door.stack.portal) as wire:
        wire.send(said)
        return wire.status(within_s)


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_no_address_makes_the_portal_fail_or_write_a_line_of_its_own(
    door: Door, neighbour: Neighbour, every: int
) -> None:
    before = len(door.log)
    failed: list[tuple[str, int]] = []
    head = [("Host", "localhost"), ("Connection", "close")]

    def attack() -> None:
        failed.clear()
        for path in tricks(every):
            for method in ("GET", "POST") if "/acs/" in path else ("GET",):
                status = answered(door, request(method, path, [*head, ("Content-Length", "0")]))
                if not 200 <= status < 500:
                    failed.append((f"{method} {path[:80]}", status))
            if path.startswith("/ws/"):
                status = answered(door, upgrade(f"{door.stack.portal}{path}", []))
                if not 300 <= status < 500:
                    failed.append((f"socket {path[:80]}", status))
        for said in RAW:
            status = answered(door, said, 1)  # some promise more than they say: no answer is an answer
            if status > 0 and not 200 <= status < 500:
                failed.append((repr(said[:60]), status))

    neighbour.unharmed_by("odd addresses", attack)
    assert not failed
    said = door.log[before:]
    assert not re.search(r"^\W*(forged-line|Set-Cookie)", said, re.MULTILINE)
    raw = re.findall(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]", said)
    assert not raw, f"raw in the log: {sorted(set(raw))}"


def test_a_name_of_a_header_and_its_value_stay_out_of_the_log(door: Door) -> None:
    before = len(door.log)
    for name in ("Host", "User-Agent", "X-Forwarded-For", "X-Request-Id", "traceparent", "x-ms-call-connection-id"):
        said = request("GET", "/login/", [("Host", "localhost"), (name, f"x\x1b[2K{MARK}"), ("Connection", "close")])
        assert 200 <= answered(door, said) < 500
    assert "\x1b" not in door.log[before:]
