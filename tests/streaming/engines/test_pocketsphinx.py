import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NoReturn

import pytest

from streaming.engines import pocketsphinx
from streaming.engines.contract import EngineError, Listening, Recogniser, recogniser_class
from streaming.engines.pocketsphinx import UNDER_WAY_BYTES, Pocketsphinx
from streaming.engines.sphinx.workers import Workers
from tests.streaming.engines.hearing import Hearing, hearing
from tests.streaming.engines.speech import quiet, said

pytestmark = pytest.mark.timeout(120)
ORDER = "hello i want to cancel my order from last week please"
PHRASES = ("cancel my order", "delivery date", "Contoso", "technical support")


@pytest.fixture(scope="module")
def workers(lacks: Callable[[str], NoReturn]) -> Iterator[Workers]:
    if find_spec("pocketsphinx") is None:
        lacks("pocketsphinx")
    found = Workers(limit=1)
    yield found
    found.end()


def listening(workers: Workers, *phrases: str, language: str = "en-US") -> Pocketsphinx:
    return Pocketsphinx(Listening(language, phrases), workers)


def heard(recogniser: Recogniser, *sounds: bytes) -> Hearing:
    async def talk(found: Hearing) -> None:
        for each in sounds:
            await found.push(each, pace=1_000)
        await recogniser.flush()

    return hearing(recogniser, talk, 60)


async def forever(recogniser: Recogniser) -> None:
    while True:
        await recogniser.push(quiet(0.5))


def test_it_is_what_policies_call_it_and_wants_16_khz() -> None:
    assert recogniser_class("streaming.engines.pocketsphinx.Pocketsphinx") is Pocketsphinx
    assert (Pocketsphinx.name, Pocketsphinx.rate_hz) == ("pocketsphinx", 16_000)


def test_speech_becomes_text_with_times_and_words(workers: Workers) -> None:
    found = heard(listening(workers), quiet(1), said("this is a very good day for the children", "en-us"))
    (final,) = found.finals
    assert {"is", "good", "day", "children"} & set(final.text.split())
    assert (
        1.2 < final.start_s < final.end_s < 1 + len(said("this is a very good day for the children", "en-us")) / 32_000
    )
    assert [word.text for word in final.words] == final.text.split()
    assert all(word.start_s < word.end_s for word in final.words)
    assert final.confidence is not None
    assert found.partials
    assert {each.key for each in found.heard} == {final.key}
    assert final.language == "en-US"


def test_a_phrase_list_makes_phrases_heard_that_are_not_heard_without_it(workers: Workers) -> None:
    without = heard(listening(workers), said(ORDER))
    with_list = heard(listening(workers, *PHRASES), said(ORDER))
    assert "cancel my order" not in " ".join(each.text for each in without.finals)
    assert "cancel my order" in " ".join(each.text for each in with_list.finals)


def test_a_word_that_no_dictionary_has_is_guessed_and_said_to_be(workers: Workers) -> None:
    recogniser = listening(workers, *PHRASES)
    found = heard(recogniser, said("is this contoso technical support"))
    assert recogniser.guessed.keys() == {"contoso"}
    text = found.finals[0].text
    assert "technical support" in text
    assert ("contoso" in found.finals[0].extra.get("guessed_pronunciations", ())) == ("Contoso" in text)
    assert recogniser.activity in {"energy", "silero"}


def test_silence_is_nothing_and_two_sentences_are_two_utterances(workers: Workers) -> None:
    assert heard(listening(workers), quiet(4)).heard == []
    found = heard(listening(workers), said("good morning", "en-us"), said("thank you very much", "en-us"))
    assert len(found.finals) == 2
    assert found.finals[0].end_s <= found.finals[1].start_s


@pytest.mark.parametrize("language", ["de-DE", "fr-FR", ""])
def test_another_language_is_refused_with_the_remedy(workers: Workers, language: str) -> None:
    with pytest.raises(EngineError, match=r"understands English only.*choose en-US or another") as refused:
        asyncio.run(listening(workers, language=language).open(lambda heard: None))
    assert not refused.value.retryable


def test_without_the_package_it_says_so_in_a_sentence(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketsphinx, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"Pocketsphinx is not installed.*pip install pocketsphinx") as refused:
        asyncio.run(listening(workers).open(lambda heard: None))
    assert not refused.value.retryable


def test_a_killed_process_fails_the_push_and_a_new_recogniser_works(workers: Workers) -> None:
    killed = listening(workers)

    async def talk(found: Hearing) -> None:
        await found.push(said(ORDER)[:32_000], pace=1_000)
        assert killed.pid
        os.kill(killed.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="has died") as broken:
            await forever(killed)
        assert broken.value.retryable
        with pytest.raises(EngineError):
            await killed.flush()

    hearing(killed, talk)
    assert heard(listening(workers, *PHRASES), said(ORDER)).finals


def test_the_event_loop_runs_on_while_it_decodes_and_little_sound_is_under_way(workers: Workers) -> None:
    recogniser = listening(workers, *PHRASES)
    late_s: list[float] = []
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            late_s.append(time.monotonic() - began - 0.005)
            most = max(most, recogniser._under_way)

    async def talk(found: Hearing) -> None:
        watching = asyncio.create_task(watch())
        await recogniser.push(said(ORDER) * 2)  # at once: it waits as long as the process has enough
        await recogniser.flush()
        watching.cancel()

    found = hearing(recogniser, talk, 60)
    assert len(found.finals) == 2
    # In this process each of these decodings would hold the loop for 10 ms and more; a busy machine may do so once.
    assert len(late_s) > 50
    assert sorted(late_s)[len(late_s) // 2] < 0.01
    assert UNDER_WAY_BYTES <= most < 2 * UNDER_WAY_BYTES


def test_who_closes_leaves_the_process_to_the_others(workers: Workers) -> None:
    staying = listening(workers, *PHRASES)

    async def talk(found: Hearing) -> None:
        leaving = listening(workers)
        await leaving.open(lambda heard: None)
        assert leaving.pid == staying.pid
        await leaving.push(said(ORDER)[:16_000])
        await leaving.close()
        await leaving.close()
        await found.push(said(ORDER), pace=1_000)
        await staying.flush()

    assert hearing(staying, talk, 60).finals
