"""How well and how fast Pocketsphinx listens: word error rate on general speech and on speech with phrases, apart.

The speech is made here by espeak-ng, in voices of both sexes, with half a second of silence around each sentence. No
sentence stands in a phrase list: phrases are said within other words and in new combinations. Prints one JSON object a
row; `rtf` is processor time of the recognising processes by seconds of sound.
"""

import asyncio
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import soxr

from acsportal.demo import PHRASES
from acsportal.load.processes import read, rss_mib
from streaming.audio import to_pcm
from streaming.engines.contract import Heard, Listening
from streaming.engines.espeak import Espeak
from streaming.engines.pocketsphinx import Pocketsphinx
from streaming.engines.sphinx.phrase_model import spoken_words
from streaming.engines.sphinx.workers import Workers

QUICK: Final = bool(os.environ.get("BENCH_QUICK"))
SCENARIO: Final = Path(__file__).resolve().parent.parent / "acsportal/emulator/scenarios/support.json"
VOICES: Final = ("en-us", "en-us+m3", "en-us+f3")
WORKERS: Final = Workers(limit=os.cpu_count() or 1, idle_s=600)
GAIN: Final = 0.5
QUIET: Final = bytes(16_000)

GENERAL: Final = (
    "the weather was very cold this morning and we stayed at home",
    "she opened the door and saw a large dog in the garden",
    "we have to talk about the money that was lost last year",
    "they took the train to london and came back on sunday",
    "he said that the new law would help many people",
)
WITH_PHRASES: Final = (
    "hello i want to cancel my order from last week please",
    "could you tell me the opening hours of your shop",
    "can i speak to a human about my delivery date",
    "the billing department has the wrong customer number",
    "is this contoso technical support",
    "i want to return the parcel and change my address",
)


@dataclass(slots=True)
class Score:
    """Errors are words put in, left out or mistaken; `false` phrases were written down and not said."""

    errors: int = 0
    words: int = 0
    sound_s: float = 0.0
    said: int = 0
    found: int = 0
    false: int = 0

    def add(self, said: str, heard: str, sound_s: float) -> None:
        self.errors += distance(spoken_words(said), spoken_words(heard))
        self.words += len(spoken_words(said))
        self.sound_s += sound_s
        spoken, written = phrases_in(said), phrases_in(heard)
        self.said += len(spoken)
        self.found += len(spoken & written)
        self.false += len(written - spoken)


def phrases_in(text: str) -> set[str]:
    """The phrases of the demo's list in it."""
    words = f" {' '.join(spoken_words(text))} "
    return {each for each in PHRASES.splitlines() if f" {' '.join(spoken_words(each))} " in words}


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to put in, leave out or exchange to make one of the other."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


@cache
def speech(sentence: str, voice: str) -> bytes:
    """16-bit mono sound at 16 kHz."""
    waveform, rate_hz = Espeak().speak(sentence, voice, 160)
    return to_pcm(soxr.resample(waveform, rate_hz, Pocketsphinx.rate_hz) * GAIN).tobytes()


async def listen(sentences: Sequence[str], voice: str, phrases: tuple[str, ...], score: Score) -> set[int]:
    """One voice says all of them; the processes that listened."""
    heard: list[Heard] = []
    recogniser = Pocketsphinx(Listening("en-US", phrases), WORKERS)
    await recogniser.open(heard.append)
    pid = recogniser.pid
    for sentence in sentences:
        heard.clear()
        sound = QUIET + speech(sentence, voice) + QUIET
        await recogniser.push(sound)
        await recogniser.flush()
        score.add(sentence, " ".join(each.text for each in heard if each.final), len(sound) / 32_000)
    await recogniser.close()
    return {pid} if pid else set()


async def measure(row: str, sentences: Sequence[str], phrases: tuple[str, ...]) -> None:
    voices = VOICES[:1] if QUICK else VOICES
    score = Score()
    for sentence in sentences:
        for voice in voices:
            speech(sentence, voice)
    before = {pid: read(pid).cpu_s for pid in WORKERS.pids}
    pids = set().union(*await asyncio.gather(*(listen(sentences, each, phrases, score) for each in voices)))
    cpu_s = sum(read(pid).cpu_s - before.get(pid, 0.0) for pid in pids)
    print(
        json.dumps(
            {
                "bench": "recognition",
                "row": row,
                "phrases": len(phrases),
                "sentences": len(sentences) * len(voices),
                "word_error_rate": round(score.errors / score.words, 3),
                "phrases_said": score.said,
                "phrases_found": score.found,
                "phrases_false": score.false,
                "rtf": round(cpu_s / score.sound_s, 3),
                "rss_mib": max(rss_mib(pid) for pid in pids),
            }
        ),
        flush=True,
    )


async def main() -> None:
    phrases = tuple(PHRASES.splitlines())
    scenario = [each["text"] for each in json.loads(SCENARIO.read_text(encoding="utf-8"))["utterances"]]
    general, spoken = GENERAL[:2] if QUICK else GENERAL, WITH_PHRASES[:2] if QUICK else WITH_PHRASES
    said = {" ".join(spoken_words(each)) for each in (*general, *spoken, *scenario)}
    assert not said & {" ".join(spoken_words(each)) for each in phrases}, "A sentence stands in the list."
    await measure("general speech, no list", general, ())
    await measure("general speech, with list", general, phrases)
    await measure("phrases in other words, no list", spoken, ())
    await measure("phrases in other words, with list", spoken, phrases)
    callers = [re.sub(r"[.!?,]", " ", each) for each in (scenario[1:2] if QUICK else scenario[1:12:2])]
    await measure("demo scenario, with list", callers, phrases)
    WORKERS.end()


if __name__ == "__main__":
    asyncio.run(main())
