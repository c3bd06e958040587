"""Speech for what Azure is asked to say: espeak-ng in a process of its own, where it is installed."""

import asyncio
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from acsportal.emulator.media.tracks import BadSoundError, Sound, decode

CHILD = Path(__file__).with_name("speech_child.py")
TIME_LIMIT_S = 20.0
LONGEST_TEXT = 4000
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


class SpeechError(Exception):
    """The text cannot be spoken; the message says why."""


async def speak(text: str, locale: str, is_ssml: bool) -> Sound:
    """``locale`` such as ``en-US``; one that espeak-ng does not know is spoken in English. Raises SpeechError."""
    if len(text) > LONGEST_TEXT:
        raise SpeechError(f"the text has {len(text)} characters, more than {LONGEST_TEXT}")
    command = _command(locale.lower(), is_ssml)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            content, _ = await child.communicate(text.encode())
    except TimeoutError as error:
        raise SpeechError("the speech engine took too long") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        return decode(content)
    except BadSoundError as error:
        raise SpeechError("the speech engine gave no sound") from error


def _command(locale: str, is_ssml: bool) -> list[str]:
    if find_spec("espeakng_loader"):
        return [sys.executable, "-P", str(CHILD), locale, "ssml" if is_ssml else "text"]
    if program := shutil.which("espeak-ng"):
        voice = locale.partition("-")[0] or "en"
        return [program, "-b", "1", "-v", voice, *(["-m"] if is_ssml else []), "--stdin", "--stdout"]
    raise SpeechError("espeak-ng is not installed: pip install espeakng-loader")
