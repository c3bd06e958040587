from calls.operations.folding import ACCENTS, fold, words_of


def test_words_are_folded_and_say_where_they_stand() -> None:
    text = "Déjà-vu: o’Neil, 64.20€ ÜBER"
    assert [(each.text, text[each.start : each.end]) for each in words_of(text)] == [
        ("deja", "Déjà"),
        ("vu", "vu"),
        ("o", "o"),
        ("neil", "Neil"),
        ("64", "64"),
        ("20", "20"),
        ("uber", "ÜBER"),
    ]


def test_an_accent_of_its_own_belongs_to_its_letter() -> None:
    assert [each.text for each in words_of("cafe\u0301 noir")] == ["cafe", "noir"]


def test_letters_that_are_no_accented_latin_stay() -> None:
    assert fold("ßøŁ МОСКВА") == "ßøł москва"
    assert all(len(letter) == len(plain) == 1 for letter, plain in ACCENTS.items())
