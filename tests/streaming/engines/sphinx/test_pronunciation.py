import pytest

from streaming.engines.sphinx.pronunciation import pronounced

VOWELS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
CONSONANTS = {*"BDFGKLMNPRSTVWYZ", "CH", "DH", "HH", "JH", "NG", "SH", "TH", "ZH"}
PHONES = VOWELS | CONSONANTS


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("fabrikam", "F AE B R IH K AE M"),
        ("knight", "N AY T"),
        ("phoning", "F AA N IH NG"),
        ("nation", "N AE SH AH N"),
        ("gate", "G EY T"),
        ("cell", "S EH L"),
        ("queen", "K W IY N"),
        ("o'brien", "AA B R IY N"),
        ("kpn", "K EY P IY EH N"),
        ("x", "EH K S"),
        ("", ""),
        ("'", ""),
    ],
)
def test_letters_become_sounds(word: str, phones: str) -> None:
    assert pronounced(word) == phones


def test_every_word_gets_phones_that_the_model_knows() -> None:
    for word in (
        "contoso",
        "xylophone",
        "schwarz",
        "rhythm",
        "aaaa",
        "zzz",
        "throughout",
        "cynthia",
        "ecce",
        "abcdefghij",
    ):
        phones = pronounced(word).split()
        assert phones
        assert set(phones) <= PHONES, word
