from pathlib import Path

import pytest

from streaming.engines.endpointing import EnergyActivity
from streaming.engines.sphinx.decoders import Decoders
from streaming.engines.sphinx.hearing import STEP_BYTES, Hearing
from streaming.engines.sphinx.wire import Words
from tests.streaming.engines.speech import quiet, said

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> Decoders:
    return Decoders(Path(tmp_path_factory.mktemp("models")))


def heard(hearing: Hearing, pcm: bytes) -> None:
    hearing.push(pcm)
    while hearing.has_work:
        assert hearing.step() <= STEP_BYTES


def test_partials_grow_into_a_final_with_the_times_of_its_words(decoders: Decoders) -> None:
    told: list[Words] = []
    hearing = Hearing(decoders, EnergyActivity(), decoders.phrase_list(("reset my password",)), told.append)
    heard(hearing, quiet(2) + said("so please reset my password today"))
    *partials, final = told
    assert len(partials) >= 3
    assert {each.key for each in told} == {"1"}
    assert final.final
    assert not any(each.final for each in partials)
    words = [text for text, _, _ in final.words]
    assert "reset my password" in " ".join(words)
    starts = [start for _, start, _ in final.words]
    assert starts == sorted(starts)
    assert 2.2 < final.start_s < final.end_s < 2 + len(said("so please reset my password today")) / 32_000
    assert final.confidence is not None
    assert 0 < final.confidence <= 1
    assert decoders.speaking == 0


def test_silence_says_nothing_and_takes_no_decoder(decoders: Decoders) -> None:
    told: list[Words] = []
    hearing = Hearing(decoders, EnergyActivity(), None, told.append)
    heard(hearing, quiet(5))
    hearing.flush()
    assert told == []


def test_who_leaves_in_the_middle_of_a_word_gives_the_decoder_back(decoders: Decoders) -> None:
    hearing = Hearing(decoders, EnergyActivity(), None, lambda words: None)
    heard(hearing, said("so please reset my password today")[:40_000])
    assert decoders.speaking == 1
    hearing.close()
    assert decoders.speaking == 0


def test_who_finds_no_decoder_waits(decoders: Decoders) -> None:
    taken = []
    while decoders.is_free:
        taken.append(decoders.take(None))
    hearing = Hearing(decoders, EnergyActivity(), None, lambda words: None)
    hearing.push(quiet(1))
    assert (hearing.has_work, hearing.may_step) == (True, False)
    for general, listed in taken:
        decoders.give_back(general, listed, None)
    assert hearing.may_step
