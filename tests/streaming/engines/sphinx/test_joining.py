from dataclasses import dataclass

from streaming.engines.sphinx.joining import joined

SPELT = {("cancel", "my", "order"): "cancel my Order", ("contoso",): "Contoso", ("my", "order"): "my order"}


@dataclass(frozen=True)
class Heard:
    word: str
    first: int
    last: int
    fit: float
    chance: float = 0.9


def words(*said: tuple[str, int, int, float], chance: float = 0.9) -> list[Heard]:
    """`fit` is told a frame."""
    return [Heard(word, first, last, fit * (last - first + 1), chance) for word, first, last, fit in said]


GENERAL = words(("i", 0, 19, -2), ("can't", 20, 59, -2), ("salmon", 60, 99, -2), ("please", 100, 139, -2))


def text(general: list[Heard], listed: list[Heard]) -> str:
    return " ".join(each.text for each in joined(general, listed, SPELT)[0])


def test_a_phrase_takes_the_place_of_what_was_heard_there_in_its_own_spelling() -> None:
    listed = words(("oh", 0, 19, -3), ("cancel", 20, 50, -2.2), ("my", 51, 60, -2.2), ("order", 61, 99, -2.2))
    assert text(GENERAL, listed) == "I cancel my Order please"
    assert joined(GENERAL, listed, SPELT)[1] == 1


def test_a_phrase_that_fits_far_worse_is_not_believed() -> None:
    listed = words(("cancel", 20, 50, -9), ("my", 51, 60, -9), ("order", 61, 99, -9))
    assert text(GENERAL, listed) == "I can't salmon please"


def test_one_that_its_search_is_unsure_of_has_to_fit_better() -> None:
    said = (("cancel", 20, 50, -3.4), ("my", 51, 60, -3.4), ("order", 61, 99, -3.4))
    assert "cancel" in text(GENERAL, words(*said, chance=0.9))
    assert "cancel" not in text(GENERAL, words(*said, chance=0.1))


def test_other_words_of_the_phrase_search_are_never_taken() -> None:
    assert text(GENERAL, words(("order", 20, 59, -0.1), ("oh", 60, 99, -0.1))) == "I can't salmon please"


def test_a_phrase_of_a_moment_is_no_phrase() -> None:
    assert text(GENERAL, words(("contoso", 20, 30, -0.1))) == "I can't salmon please"


def test_a_phrase_where_the_general_search_heard_nothing_is_taken() -> None:
    assert text([], words(("contoso", 20, 80, -2))) == "Contoso"


def test_without_a_list_the_words_stay_as_they_are() -> None:
    assert " ".join(each.text for each in joined(words(("i'm", 0, 9, -1), ("in", 10, 19, -1)), (), {})[0]) == "I'm in"
