"""Pages of somebody else's in a signed-in browser open none of our browser sockets, whatever they call themselves."""

from collections.abc import Iterator

import pytest

from tests.azure_stand_in import bearer
from tests.hostile.neighbour import Neighbour
from tests.hostile.wire import Wire
from tests.streaming.doorstep import Door

Header = tuple[str, str]


def foreign(ours: str) -> Iterator[tuple[str, list[Header]]]:
    """Origins that are not `ours` (http://127.0.0.1:port), in more than thirty ways."""
    host, _, port = ours.removeprefix("http://").partition(":")
    yield "none", []
    for name, origin in {
        "empty": "",
        "null": "null",
        "star": "*",
        "another site": "https://evil.example",
        "ours as its part": f"http://evil.example/{ours}",
        "ours as its name": f"{ours}.evil.example",
        "ours as its subdomain": f"http://{host}.evil.example:{port}",
        "ours as its user": f"http://{host}:{port}@evil.example",
        "ours as its password": f"http://x:{host}@evil.example:{port}",
        "ours as its query": f"http://evil.example?{ours}",
        "ours as its fragment": f"http://evil.example#{ours}",
        "another port": f"http://{host}:{int(port) + 1}",
        "another port that begins with ours": f"{ours}0",
        "no port": f"http://{host}",
        "over TLS": f"https://{host}:{port}",
        "a WebSocket's": f"ws://{host}:{port}",
        "a file": "file://",
        "an extension": "chrome-extension://abcdefghijklmnop",
        "without a scheme": f"{host}:{port}",
        "without any scheme": f"//{host}:{port}",
        "with a slash": f"{ours}/",
        "with a path": f"{ours}/calls/",
        "with a user": f"http://demo@{host}:{port}",
        "with a dot": f"http://{host}.:{port}",
        "with a zone": f"http://{host}%25lo:{port}",
        "escaped": f"http://{host.replace('.', '%2E')}:{port}",
        "full-width dots": f"http://{host.replace('.', '．')}:{port}",
        "a homograph": f"http://lосalhost:{port}",
        "its punycode": f"http://xn--lalhost-6fg4c:{port}",
        "in IPv6": f"http://[::1]:{port}",
        "mapped into IPv6": f"http://[::ffff:{host}]:{port}",
        "in decimal": f"http://2130706433:{port}",
        "in octal": f"http://0177.0.0.1:{port}",
        "shortened": f"http://127.1:{port}",
        "any address": f"http://0.0.0.0:{port}",
        "with a tab": f"http://{host[:5]}\t{host[5:]}:{port}",
        "with a space": f"{ours} http://evil.example",
        "with a comma": f"{ours},http://evil.example",
        "with a backslash": f"http://evil.example\\@{host}:{port}",
        "with a NUL": f"{ours}\0.evil.example",
    }.items():
        yield name, [("Origin", origin)]
    yield "twice, ours first", [("Origin", ours), ("Origin", "http://evil.example")]
    yield "twice, ours last", [("Origin", "http://evil.example"), ("Origin", ours)]
    yield "twice, the same", [("Origin", ours), ("origin", ours)]
    yield "in another header", [("Referer", f"{ours}/"), ("Sec-WebSocket-Origin", ours), ("X-Origin", ours)]


def knock(door: Door, path: str, headers: list[Header]) -> int:
    with Wire(f"ws{door.stack.portal.removeprefix('http')}/ws/{path}") as wire:
        return wire.open([("Cookie", door.cookie("demo")), *headers])


def test_no_foreign_page_opens_a_browsers_socket(door: Door, neighbour: Neighbour) -> None:
    paths = ["live/", f"calls/{neighbour.call.id}/"]
    door.cookie("demo")  # to sign in is work, and no attack

    def attack() -> None:
        tried = 0
        for name, headers in foreign(door.stack.portal):
            for path in paths:
                assert knock(door, path, headers) in {400, 403}, f"{path}: {name}"
            tried += 1
        assert tried >= 30

    neighbour.unharmed_by("foreign origins", attack)


@pytest.mark.parametrize("spelling", [str, str.upper])
def test_our_own_pages_open_them(door: Door, neighbour: Neighbour, spelling: type[str]) -> None:
    port = door.stack.demo.options.port
    for host in ("127.0.0.1", "localhost"):
        for path in ("live/", f"calls/{neighbour.call.id}/"):
            assert knock(door, path, [("Origin", spelling(f"http://{host}:{port}"))]) == 101


def test_azures_sockets_need_no_origin_and_take_any(door: Door) -> None:
    call = door.call()
    for more in ([], [("Origin", "https://evil.example")]):
        with Wire(call.transport_url) as wire:
            good = [("x-ms-call-connection-id", call.connection_id), ("Authorization", bearer())]
            assert wire.open([*good, *more]) == 101
