"""Messages that no honest peer sends, on a socket that was let in: it is closed, and nobody else notices."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.azure_stand_in import bearer
from tests.hostile.neighbour import Neighbour
from tests.hostile.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, Wire, frame, header, upgrade
from tests.streaming.doorstep import AzureCall, Door, metadata

KIB, MIB = 1024, 1024 * 1024
CLOSED_WITHIN_S = 1.0
# A peer that was told to go may say goodbye first, if the portal closed the socket properly.
GONE_WITHIN_S = 5.0
# Daphne drops a connection on whatever Autobahn itself objects to.
DROPPED = 1006

Attack = Callable[[Wire], None]


def pour(wire: Wire, piece: bytes, times: int) -> None:
    """The same bytes so many times, for as long as the portal takes them."""
    for _ in range(times):
        if not wire.send(piece):
            return


def one_kib_too_many(wire: Wire) -> None:
    wire.send(frame(TEXT, b"x" * 257 * KIB))


def sixteen_mib(wire: Wire) -> None:
    wire.send(header(TEXT, 16 * MIB))
    pour(wire, b"x" * MIB, 16)


def sixty_four_mib(wire: Wire) -> None:
    wire.send(header(TEXT, 64 * MIB))
    pour(wire, b"x" * MIB, 64)


def more_than_there_is(wire: Wire) -> None:
    wire.send(header(TEXT, 2**62))


def a_message_of_large_pieces(wire: Wire) -> None:
    wire.send(frame(TEXT, b"x", fin=False))
    pour(wire, frame(CONTINUATION, b"x" * 100 * KIB, fin=False), 160)


def one_byte_pieces(wire: Wire) -> None:
    wire.send(frame(TEXT, b"x", fin=False))
    pour(wire, frame(CONTINUATION, b"x", fin=False) * 1_000, 200)


def empty_pieces(wire: Wire) -> None:
    wire.send(frame(TEXT, b"", fin=False))
    pour(wire, frame(CONTINUATION, b"", fin=False) * 1_000, 200)


def compressed_without_agreement(wire: Wire) -> None:
    wire.send(frame(TEXT, b"\xaa\x56\x02\x00", reserved=4))


def a_reserved_bit(wire: Wire) -> None:
    wire.send(frame(TEXT, b"{}", reserved=1))


def a_reserved_opcode(wire: Wire) -> None:
    wire.send(frame(3, b"{}"))


def a_reserved_control_opcode(wire: Wire) -> None:
    wire.send(frame(11))


def no_mask(wire: Wire) -> None:
    wire.send(frame(TEXT, b"{}", masked=False))


def a_continuation_of_nothing(wire: Wire) -> None:
    wire.send(frame(CONTINUATION, b"x"))


def a_text_within_a_text(wire: Wire) -> None:
    wire.send(frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"))


def a_ping_in_pieces(wire: Wire) -> None:
    wire.send(frame(PING, b"x", fin=False))


def a_large_ping(wire: Wire) -> None:
    wire.send(frame(PING, b"x" * 126))


def no_utf8(wire: Wire) -> None:
    wire.send(frame(TEXT, b'{"kind":"\xff\xfe"}'))


def half_a_surrogate(wire: Wire) -> None:
    wire.send(frame(TEXT, b"\xed\xa0\x80"))


def binary(wire: Wire) -> None:
    wire.send(frame(BINARY, bytes(640)))


def a_close_of_one_byte(wire: Wire) -> None:
    wire.send(frame(CLOSE, b"\x03"))


def a_close_code_of_nobody(wire: Wire) -> None:
    wire.send(frame(CLOSE, (999).to_bytes(2, "big")))


def a_close_reason_without_end(wire: Wire) -> None:
    wire.send(frame(CLOSE, (1000).to_bytes(2, "big") + b"x" * 200))


def a_close_and_more(wire: Wire) -> None:
    wire.send(frame(CLOSE, (1000).to_bytes(2, "big")) + frame(TEXT, b"{}") * 2_000)


def pings_without_end(wire: Wire) -> None:
    pour(wire, frame(PING) * 1_000, 200)


def pongs_without_end(wire: Wire) -> None:
    pour(wire, frame(10) * 1_000, 200)


def nonsense_without_end(wire: Wire) -> None:
    pour(wire, frame(TEXT, b"{") * 1_000, 400)


def metadata_without_end(wire: Wire) -> None:
    both = frame(TEXT, metadata(16_000).encode()) + frame(TEXT, metadata(24_000).encode())
    pour(wire, both * 50, 200)


# Each with the codes that a socket may be closed with.
ATTACKS: dict[Attack, set[int]] = {
    one_kib_too_many: {1009},
    sixteen_mib: {1009, DROPPED},
    sixty_four_mib: {1009, DROPPED},
    more_than_there_is: {1002, 1009, DROPPED},
    a_message_of_large_pieces: {1009, DROPPED},
    one_byte_pieces: {1008, 1009, DROPPED},
    empty_pieces: {1008, 1009, DROPPED},
    compressed_without_agreement: {1002, DROPPED},
    a_reserved_bit: {1002, DROPPED},
    a_reserved_opcode: {1002, DROPPED},
    a_reserved_control_opcode: {1002, DROPPED},
    no_mask: {1002, DROPPED},
    a_continuation_of_nothing: {1002, DROPPED},
    a_text_within_a_text: {1002, DROPPED},
    a_ping_in_pieces: {1002, DROPPED},
    a_large_ping: {1002, DROPPED},
    no_utf8: {1007, DROPPED},
    half_a_surrogate: {1007, DROPPED},
    binary: {1003},
    a_close_of_one_byte: {1002, DROPPED},
    a_close_code_of_nobody: {1002, DROPPED},
    a_close_reason_without_end: {1002, DROPPED},
    a_close_and_more: {1000},
    pings_without_end: {1008, DROPPED},
    pongs_without_end: {1008, DROPPED},
    nonsense_without_end: {1007, 1008, DROPPED},
    metadata_without_end: {1008, DROPPED},
}
TOGETHER = {
    "too large": (sixteen_mib, sixty_four_mib, a_message_of_large_pieces),
    "too many": (one_byte_pieces, empty_pieces, pings_without_end, pongs_without_end),
    "without end": (nonsense_without_end, metadata_without_end),
}
TOO_MUCH = {attack for attacks in TOGETHER.values() for attack in attacks}


def let_in(call: AzureCall, *more: tuple[str, str]) -> Wire:
    """A media socket that was opened properly and has said what it is."""
    wire = Wire(call.transport_url)
    assert wire.open([("x-ms-call-connection-id", call.connection_id), ("Authorization", bearer()), *more]) == 101
    wire.send(frame(TEXT, metadata().encode()))
    return wire


def refused(call: AzureCall, attack: Attack) -> float:
    """Runs the attack; seconds until the portal had closed the connection."""
    with let_in(call) as wire:
        sending = threading.Thread(target=attack, args=(wire,), daemon=True)
        began_s = time.monotonic()
        sending.start()
        try:
            code = wire.closed(5)
        except AssertionError as error:
            raise AssertionError(f"{attack.__name__}: {error}") from None
        took_s = time.monotonic() - began_s
        if attack not in TOO_MUCH:
            wire.send(frame(CLOSE, code.to_bytes(2, "big")))
        assert wire.gone(GONE_WITHIN_S), f"{attack.__name__}: the connection is still there"
        sending.join(10)
        assert code in ATTACKS[attack], f"{attack.__name__}: closed with {code}"
        return took_s


@pytest.mark.parametrize("name", TOGETHER)
def test_what_is_too_much_is_closed_within_a_second(door: Door, neighbour: Neighbour, name: str) -> None:
    call = door.call()
    tried: list[dict[str, float]] = []
    neighbour.unharmed_by(
        name, lambda: tried.append({attack.__name__: refused(call, attack) for attack in TOGETHER[name]})
    )
    took_s = min(tried, key=lambda each: max(each.values()))
    print(f"{door.kind}: closed after", {name: f"{took_s[name]:.3f} s" for name in took_s})
    assert max(took_s.values()) < CLOSED_WITHIN_S
    with let_in(call):
        pass  # the call itself may come back


def test_what_is_malformed_is_closed_within_a_second(door: Door, neighbour: Neighbour) -> None:
    call = door.call()

    def attack() -> None:
        for each in ATTACKS:
            if each not in TOO_MUCH:
                took_s = refused(call, each)
                assert took_s < CLOSED_WITHIN_S, f"{each.__name__} took {took_s:.2f} s"

    neighbour.unharmed_by("malformed frames", attack)


def test_compression_is_never_agreed_on(door: Door) -> None:
    call = door.call()
    offer = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
    with Wire(call.transport_url) as wire:
        headers = [("x-ms-call-connection-id", call.connection_id), ("Authorization", bearer()), offer]
        wire.send(upgrade(call.transport_url, headers))
        answer = wire.read()
        assert answer.startswith(b"HTTP/1.1 101")
        assert b"permessage-deflate" not in answer.lower()
