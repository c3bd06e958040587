"""Pocketsphinx's decoders, as few as possible: each holds 90 MB, and only a voice that speaks needs one.

Only the recognising process imports this.
"""

import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pocketsphinx

from streaming.engines.sphinx.phrase_model import Background, arpa, background, spoken_words
from streaming.engines.sphinx.pronunciation import pronounced
from streaming.engines.sphinx.wire import RATE_HZ

# So many voices of a process may speak at the same moment; more would only make all of them late.
MOST_SPEAKING: Final = 4
MOST_IDLE: Final = 4
MOST_LISTS: Final = 32
FRAMES_PER_S: Final = 100
# Fewer paths at a time: a third of the work, and no more errors (bench/recognition.py).
_BEAM: Final = {"maxhmmpf": 3_000, "maxwpf": 10}
_FILLERS: Final = ("<", "[", "+")


@dataclass(frozen=True, slots=True)
class Sounded:
    """A word in an utterance: its frames (10 ms), how well it fits the sound (log), how sure it is (0 to 1)."""

    word: str
    first: int
    last: int
    fit: float
    chance: float


class Search:
    """One decoder with one language model; utterances one after the other."""

    def __init__(self, decoder: pocketsphinx.Decoder) -> None:
        self._decoder = decoder
        self._usual_means: str = decoder.get_cmn()

    def begin(self, means: str | None) -> None:
        """`means` are what the voice's last utterance ended with; they fit the channel to the model."""
        self._decoder.set_cmn(means or self._usual_means)
        self._decoder.start_utt()

    def hear(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)

    def finish(self) -> str:
        """Ends the utterance; the voice's means for its next one."""
        self._decoder.end_utt()
        means: str = self._decoder.get_cmn()
        return means

    def words(self) -> list[Sounded]:
        """What is understood so far."""
        if self._decoder.hyp() is None:
            return []
        return [_sounded(each) for each in self._decoder.seg() or () if not each.word.startswith(_FILLERS)]


def _sounded(segment: "pocketsphinx.Segment") -> Sounded:
    return Sounded(
        segment.word.partition("(")[0],
        segment.start_frame,
        segment.end_frame,
        math.log(max(segment.ascore, 1e-300)),
        segment.prob,
    )


@dataclass(frozen=True, slots=True)
class PhraseList:
    """A list of phrases, ready to be searched; `spelt` gives back each phrase's own writing by its spoken words."""

    model: Path
    spelt: dict[tuple[str, ...], str]
    guessed: dict[str, str]


class Decoders:
    """All of a process's. `folder` takes the models of the phrase lists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._dictionary = pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")
        self._idle: defaultdict[Path | None, list[Search]] = defaultdict(list)
        self._lists: dict[tuple[str, ...], PhraseList] = {}
        self._known: dict[str, str] = {}
        self._background: Background | None = None
        self.speaking = 0

    @property
    def is_free(self) -> bool:
        """Whether one more voice may begin to speak."""
        return self.speaking < MOST_SPEAKING

    def take(self, phrases: PhraseList | None) -> tuple[Search, Search | None]:
        """The general search for an utterance, and that of the phrases."""
        self.speaking += 1
        return self._one(None, {}), self._one(phrases.model, phrases.guessed) if phrases else None

    def give_back(self, general: Search, listed: Search | None, phrases: PhraseList | None) -> None:
        """After the utterance's end."""
        self.speaking -= 1
        self._keep(None, general)
        if listed is not None and phrases is not None:
            self._keep(phrases.model, listed)

    def _keep(self, model: Path | None, search: Search) -> None:
        # What is taken out and put in again stands last, so the first is the one that nobody asked for longest.
        kept = [*self._idle.pop(model, []), search]
        self._idle[model] = kept[-MOST_IDLE:]
        while sum(map(len, self._idle.values())) > MOST_IDLE * 2:
            oldest = next(iter(self._idle))
            self._idle[oldest].pop()
            if not self._idle[oldest]:
                del self._idle[oldest]

    def _one(self, model: Path | None, guessed: dict[str, str]) -> Search:
        if self._idle.get(model):
            return self._idle[model].pop()
        if model is None:
            return Search(pocketsphinx.Decoder(samprate=RATE_HZ, loglevel="FATAL", **_BEAM))
        decoder = pocketsphinx.Decoder(lm=None, samprate=RATE_HZ, loglevel="FATAL", **_BEAM)
        for word, phones in guessed.items():
            decoder.add_word(word, phones, False)
        decoder.add_lm_file("phrases", str(model))
        decoder.activate_search("phrases")
        return Search(decoder)

    def forget(self) -> None:
        """Takes away what it wrote, and the folder if nobody else uses it."""
        for each in self._lists.values():
            each.model.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()

    def phrase_list(self, phrases: Iterable[str]) -> PhraseList | None:
        """Made once for each list; None for a list without a single word."""
        wanted = tuple(phrases)
        if wanted not in self._lists:
            found = self._phrase_list(wanted)
            if found is None:
                return None
            while len(self._lists) >= MOST_LISTS:
                self._lists.pop(next(iter(self._lists))).model.unlink(missing_ok=True)
            self._lists[wanted] = found
        return self._lists[wanted]

    def _phrase_list(self, phrases: tuple[str, ...]) -> PhraseList | None:
        spelt = {tuple(words): phrase for phrase in phrases if (words := spoken_words(phrase))}
        if not spelt:
            return None
        if self._background is None:
            self._known = dict(_dictionary_lines(Path(self._dictionary)))
            self._background = self._common()
        wanted = {word for words in spelt for word in words}
        guessed = {word: pronounced(word) for word in sorted(wanted - self._known.keys())}
        handle, name = tempfile.mkstemp(".arpa", dir=self._folder)
        with open(handle, "w", encoding="ascii") as file:
            file.write(arpa(self._background, [list(words) for words in spelt]))
        return PhraseList(Path(name), spelt, guessed)

    def _common(self) -> Background:
        logs = pocketsphinx.LogMath()
        model = pocketsphinx.NGramModel(pocketsphinx.Config(), logs, pocketsphinx.get_model_path("en-us/en-us.lm.bin"))
        return background(self._known, lambda words: float(10 ** logs.log_to_log10(model.prob(words))))


def _dictionary_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Words of the dictionary and how each is first spoken."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            word, _, phones = line.partition(" ")
            if "(" not in word:
                yield word, phones.strip()
