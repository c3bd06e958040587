"""What Azure is asked to play: files it fetches, text it speaks; and the sounds it makes by itself."""

import asyncio
import io
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import soundfile
import soxr
from aiohttp import ClientError, ClientSession, ClientTimeout

from acsportal.emulator.call.results import BAD_FORMAT, NO_DOWNLOAD, NO_SPEECH_SERVICE
from acsportal.emulator.call.sounds.hearing import Pcm
from acsportal.emulator.call.sounds.speech import SpeechError, speak
from acsportal.emulator.callbacks import Result
from acsportal.emulator.media.tracks import BadSoundError, Sound, decode
from acsportal.emulator.network import log

LARGEST_FILE = 32 * 1024 * 1024
DOWNLOAD_S = 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FILE_RATE_HZ = 16000
LOW_HZ = dict(zip("123A456B789C*0#D", (697,) * 4 + (770,) * 4 + (852,) * 4 + (941,) * 4, strict=True))
HIGH_HZ = dict(zip("123A456B789C*0#D", (1209, 1336, 1477, 1633) * 4, strict=True))


@dataclass(frozen=True, slots=True)
class Prompt:
    """One play source: ``kind`` is file, text or ssml, ``content`` the address or the words."""

    kind: str
    content: str
    locale: str = "en-US"


class PromptError(Exception):
    """A prompt that cannot be played: which of its list, and what Azure says of it."""

    def __init__(self, index: int, result: Result) -> None:
        super().__init__(result.message)
        self.index = index
        self.result = result


async def load(http: ClientSession, prompts: tuple[Prompt, ...], rate_hz: int) -> Pcm:
    """All of them one after the other. Raises PromptError for the first that cannot be had."""
    pieces = []
    for index, prompt in enumerate(prompts):
        try:
            sound = await _file(http, prompt.content) if prompt.kind == "file" else await _speech(prompt)
        except _RefusalError as refusal:
            log.warning("play source %s (%s) cannot be played: %s", index, prompt.kind, refusal)
            raise PromptError(index, refusal.result) from refusal
        pieces.append(await asyncio.to_thread(_pcm, sound, rate_hz))
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)


def dial_tones(tones: str, tone_s: float, rate_hz: int) -> Pcm:
    """The keys as a telephone sounds them: two sines, four fifths of the time; then a pause."""
    count = round(tone_s * rate_hz)
    time_s = np.arange(round(count * 0.8)) / rate_hz
    pcm = np.zeros((len(tones), count), dtype=np.int16)
    for row, tone in zip(pcm, tones, strict=True):
        wave = np.sin(2 * np.pi * LOW_HZ[tone] * time_s) + np.sin(2 * np.pi * HIGH_HZ[tone] * time_s)
        row[: len(time_s)] = np.rint(8000 * wave)
    return pcm.reshape(-1)


class _RefusalError(Exception):
    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result = result


async def _file(http: ClientSession, uri: str) -> Sound:
    if urlsplit(uri).hostname not in LOOPBACK:
        raise _RefusalError(NO_DOWNLOAD, "the emulator fetches from loopback only")
    try:
        async with http.get(uri, timeout=ClientTimeout(total=DOWNLOAD_S)) as response:
            if response.status != 200:
                raise _RefusalError(NO_DOWNLOAD, f"the server answered {response.status}")
            content = await response.content.read(LARGEST_FILE + 1)
            while len(content) <= LARGEST_FILE and (more := await response.content.read(LARGEST_FILE)):
                content += more
    except (ClientError, OSError, TimeoutError) as error:
        raise _RefusalError(NO_DOWNLOAD, type(error).__name__) from error
    if len(content) > LARGEST_FILE:
        raise _RefusalError(NO_DOWNLOAD, f"the file has more than {LARGEST_FILE} bytes")
    return await asyncio.to_thread(_decoded, content)


def _decoded(content: bytes) -> Sound:
    """As strict as Azure: WAV with one channel of 16 bit at 16 kHz, or MP3 (sheet, pitfall 16)."""
    try:
        facts = soundfile.info(io.BytesIO(content))
        form = (facts.format, facts.subtype, facts.channels, facts.samplerate)
        if facts.format != "MP3" and form not in (("WAV", "PCM_16", 1, FILE_RATE_HZ), ("WAVEX", "PCM_16", 1, 16000)):
            raise _RefusalError(BAD_FORMAT, "{} {}, {} channels, {} Hz".format(*form))
        return decode(content)
    except (soundfile.LibsndfileError, BadSoundError) as error:
        raise _RefusalError(BAD_FORMAT, str(error)) from error


async def _speech(prompt: Prompt) -> Sound:
    try:
        return await speak(prompt.content, prompt.locale, prompt.kind == "ssml")
    except SpeechError as error:
        raise _RefusalError(NO_SPEECH_SERVICE, str(error)) from error


def _pcm(sound: Sound, rate_hz: int) -> Pcm:
    wave = sound.wave if sound.rate_hz == rate_hz else soxr.resample(sound.wave, sound.rate_hz, rate_hz)
    pcm: Pcm = np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)
    return pcm
