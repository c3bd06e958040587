"""One voice in the recognising process: its sound waits here, and is decoded a tenth of a second at a time."""

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from streaming.audio import BYTES_PER_SAMPLE, FULL_SCALE, PCM_TYPE, samples_of
from streaming.engines.endpointing import Activity, Endpointer, Piece
from streaming.engines.sphinx.decoders import FRAMES_PER_S, Decoders, PhraseList, Search, Sounded
from streaming.engines.sphinx.joining import Spoken, joined
from streaming.engines.sphinx.wire import BYTES_PER_S, Words

STEP_BYTES: Final = BYTES_PER_S // 10
PARTIAL_EACH_S: Final = 0.25
# The model learnt from speech in rooms and takes digital silence for sounds. So each utterance gets a faint noise, of
# -61 dBFS: nothing to a microphone's own, and a third fewer errors where there is none.
ROOM_NOISE: Final = 30.0


class _Utterance:
    def __init__(self, key: str, at_s: float, general: Search, listed: Search | None) -> None:
        self.key, self.at_s = key, at_s
        self.general, self.listed = general, listed
        self.length_s = 0.0
        self.told_s = 0.0
        self.told: tuple[str, ...] = ()

    def hear(self, pcm: bytes) -> None:
        self.general.hear(pcm)
        if self.listed is not None:
            self.listed.hear(pcm)
        self.length_s += len(pcm) / BYTES_PER_S


class Hearing:
    """`tell` gets each partial and final."""

    def __init__(
        self, decoders: Decoders, activity: Activity, phrases: PhraseList | None, tell: Callable[[Words], None]
    ) -> None:
        self._decoders, self._phrases, self._tell = decoders, phrases, tell
        self._endpointer = Endpointer(activity)
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._utterance: _Utterance | None = None
        self._means: list[str | None] = [None, None]
        self._heard = 0
        self._noise = np.random.default_rng(0)

    @property
    def has_work(self) -> bool:
        return self._waiting_bytes > 0

    @property
    def may_step(self) -> bool:
        """Whether a decoder is there if this voice begins to speak now."""
        return self.has_work and (self._utterance is not None or self._decoders.is_free)

    def push(self, pcm: bytes) -> None:
        self._waiting.append(pcm)
        self._waiting_bytes += len(pcm)

    def step(self) -> int:
        """Decodes about a tenth of a second; how many bytes it took."""
        taken: list[bytes] = []
        size = 0
        while self._waiting and size < STEP_BYTES:
            piece = self._waiting.popleft()
            if size + len(piece) > STEP_BYTES:
                room = STEP_BYTES - size
                self._waiting.appendleft(piece[room:])
                piece = piece[:room]
            taken.append(piece)
            size += len(piece)
        self._waiting_bytes -= size
        for each in self._endpointer.feed(b"".join(taken)):
            self._follow(each)
        self._tell_partial()
        return size

    def flush(self) -> None:
        """Everything that was stepped through becomes final."""
        for each in self._endpointer.flush():
            self._follow(each)

    def close(self) -> None:
        """Lets its decoders go, whatever was being said."""
        self._waiting.clear()
        self._waiting_bytes = 0
        utterance = self._utterance
        if utterance is not None:
            self._finish(utterance)
            self._decoders.give_back(utterance.general, utterance.listed, self._phrases)

    def _follow(self, piece: Piece) -> None:
        if piece.kind == "begin":
            general, listed = self._decoders.take(self._phrases)
            self._heard += 1
            self._utterance = _Utterance(str(self._heard), piece.at_s, general, listed)
            for search, means in zip((general, listed), self._means, strict=True):
                if search is not None:
                    search.begin(means)
        utterance = self._utterance
        if utterance is None:
            return
        if piece.pcm:
            utterance.hear(self._in_a_room(piece.pcm))
        if piece.kind == "end":
            self._finish(utterance)
            words = self._words(utterance)
            self._decoders.give_back(utterance.general, utterance.listed, self._phrases)
            if words or utterance.told:
                self._tell(_heard(utterance, words, final=True))

    def _in_a_room(self, pcm: bytes) -> bytes:
        noise = self._noise.normal(0, ROOM_NOISE, len(pcm) // BYTES_PER_SAMPLE)
        return (samples_of(pcm) + noise).clip(-FULL_SCALE, FULL_SCALE - 1).astype(PCM_TYPE).tobytes()

    def _finish(self, utterance: _Utterance) -> None:
        self._utterance = None
        self._means[0] = utterance.general.finish()
        if utterance.listed is not None:
            self._means[1] = utterance.listed.finish()

    def _words(self, utterance: _Utterance) -> list[Spoken]:
        general: list[Sounded] = utterance.general.words()
        if utterance.listed is None or self._phrases is None:
            return joined(general, (), {})[0]
        return joined(general, utterance.listed.words(), self._phrases.spelt)[0]

    def _tell_partial(self) -> None:
        utterance = self._utterance
        if utterance is None or utterance.length_s - utterance.told_s < PARTIAL_EACH_S:
            return
        utterance.told_s = utterance.length_s
        words = self._words(utterance)
        texts = tuple(each.text for each in words)
        if texts and texts != utterance.told:
            utterance.told = texts
            self._tell(_heard(utterance, words, final=False))


def _heard(utterance: _Utterance, words: list[Spoken], final: bool) -> Words:
    timed = tuple(
        (each.text, utterance.at_s + each.first / FRAMES_PER_S, utterance.at_s + (each.last + 1) / FRAMES_PER_S)
        for each in words
    )
    return Words(
        key=utterance.key,
        final=final,
        start_s=timed[0][1] if timed else utterance.at_s,
        end_s=timed[-1][2] if timed else utterance.at_s + utterance.length_s,
        words=timed,
        confidence=_confidence(words) if final else None,
    )


def _confidence(words: list[Spoken]) -> float | None:
    return min(1.0, sum(each.chance for each in words) / len(words)) if words else None
