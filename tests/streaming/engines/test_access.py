import pytest

from streaming.engines import access
from streaming.engines.access import AzureSpeechAccess, OpenAIAccess, grant, granted
from streaming.engines.contract import EngineError


@pytest.fixture(autouse=True)
def nothing_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_granted", {})


def test_what_was_granted_last_is_what_an_engine_gets() -> None:
    grant(AzureSpeechAccess("a", "westeurope"), OpenAIAccess("b", "wss://b", "m"))
    grant(AzureSpeechAccess("c", "northeurope"))
    assert granted(AzureSpeechAccess, "") == AzureSpeechAccess("c", "northeurope")
    assert granted(OpenAIAccess, "").model == "m"


@pytest.mark.parametrize(
    "leads_nowhere",
    [AzureSpeechAccess(""), AzureSpeechAccess("key"), AzureSpeechAccess("", "west"), OpenAIAccess("", "wss://b", "m")],
)
def test_without_a_way_in_the_remedy_is_said(leads_nowhere: AzureSpeechAccess | OpenAIAccess) -> None:
    for _ in range(2):
        with pytest.raises(EngineError, match=r"^Set a key\.$") as caught:
            granted(type(leads_nowhere), "Set a key.")
        assert not caught.value.retryable
        grant(leads_nowhere)


def test_a_container_of_ones_own_needs_no_key() -> None:
    assert AzureSpeechAccess("", endpoint="ws://127.0.0.1:5000").is_set


def test_a_key_is_not_shown_with_the_rest() -> None:
    assert "very-secret" not in f"{AzureSpeechAccess('very-secret', 'w')!r}{OpenAIAccess('very-secret', 'u', 'm')!r}"
