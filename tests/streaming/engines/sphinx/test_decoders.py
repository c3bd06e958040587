from pathlib import Path

import pytest

from streaming.engines.sphinx.decoders import MOST_SPEAKING, Decoders
from tests.streaming.engines.speech import said

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> Decoders:
    return Decoders(tmp_path_factory.mktemp("models"))


def test_a_list_is_made_into_a_model_once(decoders: Decoders) -> None:
    phrases = ("Reset my password", "Contoso")
    first, second = decoders.phrase_list(phrases), decoders.phrase_list(phrases)
    assert first is not None
    assert first is second
    assert first.spelt[("reset", "my", "password")] == "Reset my password"
    assert first.guessed.keys() == {"contoso"}
    assert "\\3-grams:" in Path(first.model).read_text(encoding="ascii")


def test_a_list_without_a_word_is_none(decoders: Decoders) -> None:
    assert decoders.phrase_list(()) is None
    assert decoders.phrase_list(("…", "-")) is None


def test_both_searches_hear_the_same_sentence_and_decoders_are_used_again(decoders: Decoders) -> None:
    phrases = decoders.phrase_list(("Reset my password",))
    general, listed = decoders.take(phrases)
    assert listed is not None
    for search in (general, listed):
        search.begin(None)
        search.hear(said("so please reset my password today"))
        assert search.finish()
    heard = [each.word for each in listed.words()]
    assert " ".join(heard).find("reset my password") >= 0
    assert all(0 <= each.first <= each.last and 0 <= each.chance <= 1.0001 for each in general.words())
    decoders.give_back(general, listed, phrases)
    assert decoders.take(phrases) == (general, listed)
    decoders.give_back(general, listed, phrases)


def test_only_a_few_voices_may_speak_at_once(decoders: Decoders) -> None:
    taken = []
    while decoders.is_free:
        taken.append(decoders.take(None))
    assert len(taken) == MOST_SPEAKING
    for general, listed in taken:
        decoders.give_back(general, listed, None)
    assert decoders.is_free
