import pytest

from streaming.engines.sphinx.wire import LONGEST, Kind, Message, Unpacker, pack


def test_messages_come_out_as_they_went_in_however_they_are_cut() -> None:
    sent = [
        Message(Kind.OPEN, 1, b'{"phrases":[]}'),
        Message(Kind.SOUND, 7, bytes(range(256))),
        Message(Kind.FLUSH, 1, b""),
    ]
    stream = b"".join(pack(each.kind, each.voice, each.body) for each in sent)
    for size in (1, 5, 9, 64, len(stream)):
        unpacker = Unpacker()
        pieces = (stream[start : start + size] for start in range(0, len(stream), size))
        assert [message for piece in pieces for message in unpacker.feed(piece)] == sent


def test_what_is_no_message_is_refused_before_it_takes_memory() -> None:
    head = pack(Kind.SOUND, 1, b"")[:5] + (LONGEST + 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="at most 1048576"):
        list(Unpacker().feed(head))
    with pytest.raises(ValueError, match="99"):
        list(Unpacker().feed(bytes([99]) + bytes(8)))
