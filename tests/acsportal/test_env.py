from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from acsportal import env


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THING", raising=False)
    monkeypatch.delenv("THING_FILE", raising=False)


def test_a_text_is_read_without_the_blanks_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", " a b \n")
    assert env.text("THING") == "a b"
    assert env.text("THING", "default") == "a b"


def test_what_is_not_set_takes_its_default_or_says_what_to_do() -> None:
    assert env.text("THING", "") == ""
    with pytest.raises(ImproperlyConfigured, match=r"THING is not set\. Set it in the environment, or THING_FILE"):
        env.text("THING")


def test_a_secret_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    monkeypatch.setenv("THING_FILE", str(secret))
    monkeypatch.setenv("THING", "another")
    assert env.text("THING") == "hush"
    monkeypatch.setenv("THING_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="cannot be read: No such file"):
        env.text("THING")


@pytest.mark.parametrize(
    ("word", "value"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("No", False), ("", False)],
)
def test_yes_and_no_have_many_words(word: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", word)
    assert env.flag("THING", not value) is value


def test_a_word_that_is_neither_yes_nor_no_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.flag("THING", True)
    assert not env.flag("THING", False)
    monkeypatch.setenv("THING", "maybe")
    with pytest.raises(ImproperlyConfigured, match="THING is 'maybe', which is neither yes nor no"):
        env.flag("THING", True)


@pytest.mark.parametrize(
    ("value", "fault"),
    [("x", "not a whole number"), ("1.5", "not a whole number"), ("9", "may be 10 to 20"), ("21", "may be")],
)
def test_a_number_out_of_range_is_an_error(value: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match=f"THING is .*{fault}"):
        env.number("THING", 15, 10, 20)


def test_a_number_in_range_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.number("THING", 15, 10, 20) == 15
    for value in ("10", " 20 "):
        monkeypatch.setenv("THING", value)
        assert env.number("THING", 15, 10, 20) == int(value)


def test_a_list_drops_empty_members(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.words("THING") == []
    monkeypatch.setenv("THING", " a, ,b ,")
    assert env.words("THING") == ["a", "b"]


def test_a_choice_is_one_of_those_allowed_in_any_casing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.choice("THING", "log", ("log", "off")) == "log"
    monkeypatch.setenv("THING", "OFF")
    assert env.choice("THING", "log", ("log", "off")) == "off"
    monkeypatch.setenv("THING", "never")
    with pytest.raises(ImproperlyConfigured, match="THING is 'never'; it may be log, off"):
        env.choice("THING", "log", ("log", "off"))


@pytest.mark.parametrize(
    "value", ["", "x", "ftp://x", "https://", "http://x:port", "https://[::1", "http://x:0", "//x"]
)
def test_an_address_that_nobody_can_reach_is_an_error(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match=r"THING is .* it must look like https://portal\.example\.com"):
        env.address("THING", "http://localhost")


def test_an_address_is_read_without_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.address("THING", "http://localhost:8000/").geturl() == "http://localhost:8000"
    monkeypatch.setenv("THING", "https://portal.example.com/calls/")
    assert env.address("THING", "http://localhost").geturl() == "https://portal.example.com/calls"


@pytest.mark.parametrize(
    "value", ["wss://api.example.com/v1?x=1", "https://a.b", "ws://127.0.0.1:5000", "http://[::1]"]
)
def test_a_service_is_reached_encrypted_or_on_this_machine(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING", f"{value}/")
    assert env.service("THING") == value
    monkeypatch.delenv("THING")
    assert env.service("THING") == ""
    assert env.service("THING", "wss://default") == "wss://default"


@pytest.mark.parametrize("value", ["ws://api.example.com", "http://10.0.0.8", "api.example.com", "wss://", "wss://a:b"])
def test_a_service_that_would_be_sent_a_key_in_the_clear_is_an_error(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THING", value)
    with pytest.raises(ImproperlyConfigured, match="it must begin with wss:// or https:// and name a host"):
        env.service("THING")
