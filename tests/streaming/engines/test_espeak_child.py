import io
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from streaming.engines import espeak

CHILD = Path(espeak.__file__).with_name("espeak_child.py")


def run(*arguments: str, text: bytes = b"Hello") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-P", str(CHILD), *arguments]
    return subprocess.run(command, input=text, capture_output=True, timeout=30, check=False)


def test_the_child_answers_with_one_whole_wav_file() -> None:
    child = run("en-us", "165", text=b"Hello there")
    assert (child.returncode, child.stderr) == (0, b"")
    with wave.open(io.BytesIO(child.stdout)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 22_050)
        assert len(reader.readframes(10**7)) == reader.getnframes() * 2 == len(child.stdout) - 44


@pytest.mark.parametrize("text", [b"", b"\n"])
def test_no_text_is_a_moment_of_silence(text: bytes) -> None:
    child = run("en-us", "165", text=text)
    assert child.returncode == 0
    with wave.open(io.BytesIO(child.stdout)) as reader:
        assert reader.getnframes() < 1000
        assert not any(reader.readframes(1000))


def test_an_unknown_voice_ends_the_child_with_a_reason() -> None:
    child = run("zz", "165")
    assert (child.returncode, child.stdout) == (1, b"")
    assert b"does not know the voice" in child.stderr
