"""The recognising process: messages on standard input, answers on standard output; argument: a scratch folder.

Run as a program, never imported by the portal. It ends when its input ends.
"""

import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from streaming.engines.endpointing import best_activity
from streaming.engines.sphinx.decoders import Decoders
from streaming.engines.sphinx.hearing import Hearing
from streaming.engines.sphinx.wire import Kind, Message, Opened, Opening, Unpacker, Words, pack

PIECE: Final = 1 << 16
# Calls come first: where the processor is short, a transcript may be late.
NICENESS: Final = 5


class Child:
    """One thread: it reads what has come, then decodes a little for the next voice that has sound, and so on."""

    def __init__(self, source: int, sink: int, folder: Path) -> None:
        self._source, self._sink = source, sink
        self._decoders = Decoders(folder)
        self._unpacker = Unpacker()
        self._voices: dict[int, Hearing] = {}
        self._flushes: dict[int, int] = {}

    def run(self) -> None:
        """Until the input ends; its parent may be gone by then, so it clears away itself what it wrote."""
        try:
            self._serve()
        finally:
            self._decoders.forget()

    def _serve(self) -> None:
        while True:
            has_work = any(each.has_work for each in self._voices.values())
            ready, _, _ = select.select([self._source], [], [], 0 if has_work else None)
            if ready:
                piece = os.read(self._source, PIECE)
                if not piece:
                    return
                for message in self._unpacker.feed(piece):
                    self._guarded(message.voice, message)
            self._step()

    def _step(self) -> None:
        able = next((number for number, each in self._voices.items() if each.may_step), None)
        if able is not None:
            self._guarded(able, None)
        elif any(each.has_work for each in self._voices.values()):
            self._free_a_decoder()

    def _guarded(self, number: int, message: Message | None) -> None:
        """One voice's trouble is told to that voice; the others go on."""
        try:
            if message is None:
                self._decode(number)
            else:
                self._take(message)
        except (RuntimeError, ValueError, OSError, msgspec.MsgspecError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            self._forget(number)
            self._answer(Kind.FAILED, number, f"pocketsphinx failed: {type(error).__name__}: {error}".encode())

    def _forget(self, number: int) -> None:
        voice = self._voices.pop(number, None)
        self._flushes.pop(number, None)
        if voice is not None:
            with suppress(RuntimeError):  # it may be what failed
                voice.close()

    def _take(self, message: Message) -> None:
        voice = self._voices.get(message.voice)
        if message.kind is Kind.OPEN:
            self._open(message)
        elif voice is None:
            return
        elif message.kind is Kind.SOUND:
            voice.push(message.body)
        elif message.kind is Kind.FLUSH:
            self._flushes[message.voice] = self._flushes.get(message.voice, 0) + 1
            self._flush_if_done(message.voice, voice)
        elif message.kind is Kind.CLOSE:
            self._forget(message.voice)

    def _open(self, message: Message) -> None:
        opening = msgspec.json.decode(message.body, type=Opening)
        phrases = self._decoders.phrase_list(opening.phrases)
        activity = best_activity()
        self._voices[message.voice] = Hearing(
            self._decoders, activity, phrases, lambda words: self._tell(message.voice, words)
        )
        opened = Opened(activity.name, phrases.guessed if phrases else {})
        self._answer(Kind.OPENED, message.voice, msgspec.json.encode(opened))

    def _decode(self, number: int) -> None:
        voice = self._voices.pop(number)
        self._voices[number] = voice  # whoever was served stands last
        taken = voice.step()
        self._answer(Kind.TAKEN, number, taken.to_bytes(4, "little"))
        self._flush_if_done(number, voice)

    def _flush_if_done(self, number: int, voice: Hearing) -> None:
        if voice.has_work or not self._flushes.get(number):
            return
        voice.flush()
        for _ in range(self._flushes.pop(number)):
            self._answer(Kind.FLUSHED, number)

    def _free_a_decoder(self) -> None:
        """All decoders are with voices whose sound has stopped in the middle of a word: those have said enough."""
        for voice in self._voices.values():
            if not voice.has_work:
                voice.flush()

    def _tell(self, number: int, words: Words) -> None:
        self._answer(Kind.HEARD, number, msgspec.json.encode(words))

    def _answer(self, kind: Kind, number: int, body: bytes = b"") -> None:
        rest = memoryview(pack(kind, number, body))
        while rest:
            rest = rest[os.write(self._sink, rest) :]


def main() -> None:
    """Serves standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the portal, which ends this by closing the input
    os.nice(NICENESS)
    try:
        Child(sys.stdin.fileno(), sys.stdout.fileno(), Path(sys.argv[1])).run()
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
