import math

import pytest

from streaming.engines.sphinx.phrase_model import Background, arpa, background, spoken_words

COMMON = Background(
    {"i": 0.3, "want": 0.2, "to": 0.3, "my": 0.2}, {"i": {"want": 0.8}, "want": {"to": 0.9}, "<s>": {"i": 0.7}}
)
PHRASES = [["cancel", "my", "order"], ["my", "router"], ["router"]]


class Model:
    """Reads ARPA text as pocketsphinx does, and asks it."""

    def __init__(self, text: str) -> None:
        self.chances: dict[tuple[str, ...], float] = {}
        self.backs: dict[tuple[str, ...], float] = {}
        self.counts: dict[int, int] = {}
        order = 0
        for line in text.splitlines():
            if line.startswith("ngram "):
                self.counts[int(line[6])] = int(line.split("=")[1])
            elif line.endswith("-grams:"):
                order = int(line[1])
            elif order and line and not line.startswith("\\"):
                chance, *words = line.split()
                if len(words) > order:
                    self.backs[tuple(words[:order])] = 10 ** float(words.pop())
                self.chances[tuple(words)] = 10 ** float(chance)

    def chance(self, word: str, *before: str) -> float:
        if (*before, word) in self.chances:
            return self.chances[*before, word]
        return self.backs.get(before, 1.0) * self.chance(word, *before[1:])


@pytest.fixture
def model() -> Model:
    return Model(arpa(COMMON, PHRASES))


def test_the_counts_are_those_of_the_lines(model: Model) -> None:
    for order, count in model.counts.items():
        assert count == sum(len(words) == order for words in model.chances)
    assert model.counts[3] == 1


@pytest.mark.parametrize("context", [(), ("i",), ("my",), ("cancel",), ("router",), ("cancel", "my"), ("<s>",)])
def test_what_may_follow_adds_up_to_one(model: Model, context: tuple[str, ...]) -> None:
    words = [each[0] for each in model.chances if len(each) == 1 and each != ("<s>",)]
    assert math.isclose(sum(model.chance(word, *context) for word in words), 1, abs_tol=0.01)


def test_a_phrase_that_has_begun_goes_on(model: Model) -> None:
    assert model.chance("my", "cancel") > 0.7
    assert model.chance("order", "cancel", "my") > model.chance("router", "cancel", "my")
    assert model.chance("cancel", "to") > 0.04
    assert model.chance("want", "i") > 0.6


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Cancel my order!", ["cancel", "my", "order"]),
        ("I'm on 24/7", ["i'm", "on", "two", "four", "seven"]),
        ("  O’Brien & 'Sons' ", ["o'brien", "sons"]),
        ("…", []),
    ],
)
def test_a_phrase_is_written_as_it_is_said(phrase: str, words: list[str]) -> None:
    assert spoken_words(phrase) == words


def test_the_background_keeps_pairs_that_say_more_than_their_words() -> None:
    chances = {("i",): 0.4, ("am",): 0.2, ("the",): 0.2, ("am", "i"): 0.7, ("the", "i"): 0.2}

    def chance(words: list[str]) -> float:
        return chances.get(tuple(words), 0.0)

    found = background(["i", "am", "the"], chance)
    assert found.words == pytest.approx({"i": 0.5, "am": 0.25, "the": 0.25})
    assert found.pairs["i"].keys() == {"am"} if 0.7 > 3 * 0.25 else found.pairs["i"] == {}
