"""Recognize: a prompt, then keys or words of one participant, or nothing for too long."""

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acsportal.emulator.call import results
from acsportal.emulator.call.sounds.hearing import Sounding
from acsportal.emulator.call.sounds.keys import NAMES
from acsportal.emulator.call.sounds.media_queue import MediaOperation
from acsportal.emulator.call.sounds.prompts import Prompt, PromptError, load
from acsportal.emulator.call.words import Utterance
from acsportal.emulator.callbacks import Result
from acsportal.emulator.media.stream import Order

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call

CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Choice:
    """``tone`` is a key such as ``1``, or empty."""

    label: str
    phrases: tuple[str, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is listened for: ``kind`` is dtmf, speech, speechOrDtmf or choices."""

    kind: str
    target: str
    prompts: tuple[Prompt, ...] = ()
    interrupt_prompt: bool = False
    initial_silence_s: float = 5.0
    inter_tone_s: float = 2.0
    end_silence_s: float = 1.0
    max_tones: int | None = None
    stop_tones: frozenset[str] = frozenset()
    choices: tuple[Choice, ...] = ()


class Recognize(MediaOperation):
    name = "recognize"

    def __init__(self, call: "Call", order: Order, wanted: Wanted) -> None:
        super().__init__(call, order, is_broad=len(call.room.humans) == 1)
        self._wanted = wanted
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._prompt: Sounding | None = None
        self._listens = False

    def press(self, raw_id: str, tone: str) -> None:
        """Keys pressed over a prompt count if they may interrupt it."""
        listens = self._listens or (self._wanted.interrupt_prompt and self._prompt is not None)
        if listens and raw_id == self._wanted.target and self._wanted.kind != "speech":
            self._keys.put_nowait(tone)

    async def run(self) -> None:
        try:
            first = await self._say_prompt()
        except PromptError as error:
            self._tell("RecognizeFailed", results.PROMPT_FAILED, {"failedPlaySourceIndex": error.index})
            return
        self._listens = True
        result, extra = await self._listen(first)
        self._tell("RecognizeCompleted" if result.code == 200 else "RecognizeFailed", result, extra)

    def cancel(self) -> None:
        if self._prompt is not None:
            self._prompt.stop(self._call.elapsed_s())
        self._tell("RecognizeCanceled", results.OPERATION_CANCELED)

    async def _say_prompt(self) -> str | None:
        """The key that cut it short, if one did."""
        call, wanted = self._call, self._wanted
        if not wanted.prompts:
            return None
        pcm = await load(call.network.http, wanted.prompts, call.rate_hz)
        sounding = Sounding(pcm, call.rate_hz, call.elapsed_s(), frozenset({wanted.target}))
        self._prompt = call.sound(sounding)
        tone = await self._key(sounding.duration_s)
        if tone is not None:
            sounding.stop(call.elapsed_s())
        return tone

    async def _listen(self, first: str | None) -> tuple[Result, dict[str, Any] | None]:
        wanted = self._wanted
        if first is None:
            utterance = self._coming_words() if wanted.kind != "dtmf" else None
            patience_s = wanted.initial_silence_s
            if utterance is not None:
                patience_s = utterance.end_s + wanted.end_silence_s - self._call.room.elapsed_s()
            first = await self._key(patience_s)
            if first is None:
                return self._words(utterance) if utterance is not None else (self._silence(), None)
        return self._chosen(first) if wanted.kind == "choices" else await self._tones(first)

    def _coming_words(self) -> Utterance | None:
        call, target = self._call, self._wanted.target
        now_s = call.room.elapsed_s()
        utterance = call.words.next(now_s, target)
        is_late = utterance is None or utterance.start_s > now_s + self._wanted.initial_silence_s
        return None if is_late or target in call.room.silenced else utterance

    def _silence(self) -> Result:
        """A voice without a script is heard, but not understood."""
        call, target = self._call, self._wanted.target
        somebody = call.room.people.get(target)
        talks = somebody is not None and somebody.speaker is not None and bool(somebody.speaker.voice.sounds)
        if self._wanted.kind != "dtmf" and talks and call.words.next(0.0, target) is None:
            return results.NOT_RECOGNIZED
        return results.INITIAL_SILENCE

    def _words(self, utterance: Utterance) -> tuple[Result, dict[str, Any] | None]:
        if self._wanted.kind != "choices":
            spoken = {"speech": utterance.text, "confidence": CONFIDENCE}
            return results.SPEECH_RECOGNIZED, {"recognitionType": "speech", "speechResult": spoken}
        for choice in self._wanted.choices:
            for phrase in choice.phrases:
                if re.search(rf"\b{re.escape(phrase)}\b", utterance.text, re.IGNORECASE):
                    matched = {"label": choice.label, "recognizedPhrase": phrase, "confidence": CONFIDENCE}
                    return results.PHRASE_MATCHED, {"recognitionType": "choices", "choiceResult": matched}
        return results.WRONG_PHRASE, None

    def _chosen(self, tone: str) -> tuple[Result, dict[str, Any] | None]:
        for choice in self._wanted.choices:
            if choice.tone == tone:
                return results.TONE_MATCHED, {"recognitionType": "choices", "choiceResult": {"label": choice.label}}
        return results.WRONG_TONE, None

    async def _tones(self, first: str) -> tuple[Result, dict[str, Any] | None]:
        """The stop tone is among the tones, as in the one example there is (sheet 5.4)."""
        wanted, tones, tone = self._wanted, [first], first
        while True:
            found = {"recognitionType": "dtmf", "dtmfResult": {"tones": [NAMES[each] for each in tones]}}
            if tone in wanted.stop_tones:
                return results.STOP_TONE, found
            if wanted.max_tones is not None and len(tones) >= wanted.max_tones:
                return results.MAX_DIGITS, found
            following = await self._key(wanted.inter_tone_s)
            if following is None:
                return results.INTER_DIGIT_SILENCE, None
            tone = following
            tones.append(tone)

    async def _key(self, patience_s: float) -> str | None:
        try:
            async with asyncio.timeout(patience_s):
                return await self._keys.get()
        except TimeoutError:
            return None
