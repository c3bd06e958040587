import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from streaming.engines.sphinx.wire import Kind, Message, Opened, Opening, Unpacker, Words, pack
from tests.streaming.engines.speech import quiet, said

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).resolve().parents[4]


class Process:
    """The recognising process, talked to by its own words."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streaming.engines.sphinx.child", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._unpacker = Unpacker()
        self._read: list[Message] = []

    def send(self, kind: Kind, voice: int, body: bytes = b"") -> None:
        assert self.process.stdin
        self.process.stdin.write(pack(kind, voice, body))
        self.process.stdin.flush()

    def until(self, kind: Kind, voice: int) -> list[Message]:
        """All that it says up to this."""
        assert self.process.stdout
        while True:
            for place, message in enumerate(self._read):
                if (message.kind, message.voice) == (kind, voice):
                    taken, self._read = self._read[: place + 1], self._read[place + 1 :]
                    return taken
            piece = self.process.stdout.read1(65_536)  # type: ignore[attr-defined]
            assert piece, "the process has ended"
            self._read += self._unpacker.feed(piece)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    tmp_path = tmp_path / "models"
    tmp_path.mkdir()
    found = Process(tmp_path)
    yield found
    assert found.process.stdin
    found.process.stdin.close()
    assert found.process.wait(10) == 0
    assert found.process.stdout
    found.process.stdout.close()
    assert not tmp_path.exists(), "it leaves no models behind"


def opening(*phrases: str) -> bytes:
    return msgspec.json.encode(Opening(phrases))


def test_two_voices_are_heard_side_by_side_and_what_was_taken_is_told(process: Process) -> None:
    process.send(Kind.OPEN, 1, opening("Contoso", "cancel my order"))
    process.send(Kind.OPEN, 2, opening())
    opened = msgspec.json.decode(process.until(Kind.OPENED, 1)[-1].body, type=Opened)
    assert opened.activity in {"energy", "silero"}
    assert opened.guessed.keys() == {"contoso"}
    sound = said("hello i want to cancel my order from last week please")
    process.send(Kind.SOUND, 1, sound)
    process.send(Kind.SOUND, 2, quiet(1))
    process.send(Kind.FLUSH, 2)
    process.send(Kind.FLUSH, 1)
    answers = process.until(Kind.FLUSHED, 1)
    taken = dict.fromkeys((1, 2), 0)
    for each in answers:
        if each.kind is Kind.TAKEN:
            taken[each.voice] += int.from_bytes(each.body, "little")
    assert taken == {1: len(sound), 2: 32_000}
    heard = [msgspec.json.decode(each.body, type=Words) for each in answers if each.kind is Kind.HEARD]
    assert {each.voice for each in answers if each.kind is Kind.HEARD} == {1}
    assert "cancel my order" in " ".join(text for text, _, _ in heard[-1].words)
    # The silent voice was served in its turn, and not behind all of the other's sound.
    flushed = next(place for place, each in enumerate(answers) if (each.kind, each.voice) == (Kind.FLUSHED, 2))
    assert sum(each.kind is Kind.TAKEN for each in answers[flushed:]) > 10


def test_nonsense_about_one_voice_is_told_to_that_voice_alone(process: Process) -> None:
    process.send(Kind.OPEN, 1, opening())
    process.send(Kind.OPEN, 2, b"no JSON")
    assert b"pocketsphinx failed" in process.until(Kind.FAILED, 2)[-1].body
    process.send(Kind.SOUND, 3, quiet(1))  # nobody knows this one
    process.send(Kind.FLUSH, 1)
    process.until(Kind.FLUSHED, 1)
    process.send(Kind.CLOSE, 1)
    process.send(Kind.CLOSE, 1)
