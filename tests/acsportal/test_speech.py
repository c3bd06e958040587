"""Which recognisers are offered under which settings; and the one sentence for settings that cannot be used."""

import json
from pathlib import Path

import pytest

from calls.recognisers import AZURE_CALL, AZURE_SPEECH, OPENAI_REALTIME, POCKETSPHINX
from tests.acsportal.test_preflight import preflight
from tests.acsportal.test_settings_in_production import setting

AZURE = {"SPEECH_AZURE_KEY": "k", "SPEECH_AZURE_REGION": "westeurope"}


@pytest.mark.parametrize(
    ("given", "offered"),
    [
        ({}, [AZURE_CALL, POCKETSPHINX]),
        (AZURE, [AZURE_CALL, POCKETSPHINX, AZURE_SPEECH]),
        ({"SPEECH_AZURE_ENDPOINT": "ws://127.0.0.1:5000"}, [AZURE_CALL, POCKETSPHINX, AZURE_SPEECH]),
        ({"SPEECH_OPENAI_KEY": "k"}, [AZURE_CALL, POCKETSPHINX, OPENAI_REALTIME]),
        (AZURE | {"SPEECH_RECOGNISERS": f"{AZURE_SPEECH}, a.site.of.its.Own"}, [AZURE_SPEECH, "a.site.of.its.Own"]),
    ],
)
def test_a_service_outside_is_offered_where_it_can_be_reached(given: dict[str, str], offered: list[str]) -> None:
    assert setting("SPEECH_RECOGNISERS", **given) == offered


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("hush\n")
    assert setting("SPEECH_OPENAI_KEY", SPEECH_OPENAI_KEY_FILE=str(secret)) == "hush"
    assert OPENAI_REALTIME in str(setting("SPEECH_RECOGNISERS", SPEECH_OPENAI_KEY_FILE=str(secret)))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"SPEECH_RECOGNISERS": OPENAI_REALTIME},
            f"SPEECH_RECOGNISERS names {OPENAI_REALTIME}, and SPEECH_OPENAI_KEY is not set. Set it.",
        ),
        (
            {"SPEECH_RECOGNISERS": AZURE_SPEECH},
            f"SPEECH_RECOGNISERS names {AZURE_SPEECH}, and SPEECH_AZURE_KEY is not set. "
            "Set it, and SPEECH_AZURE_REGION.",
        ),
        (
            {"SPEECH_AZURE_KEY": "very-secret"},
            "SPEECH_AZURE_KEY is set, and nothing says where. Set SPEECH_AZURE_REGION (such as westeurope) "
            "or SPEECH_AZURE_ENDPOINT.",
        ),
        ({"SPEECH_AZURE_REGION": "westeurope"}, "SPEECH_AZURE_REGION is set without a key. Set SPEECH_AZURE_KEY."),
        (
            AZURE | {"SPEECH_AZURE_ENDPOINT": "https://r.cognitiveservices.azure.com"},
            "SPEECH_AZURE_REGION and SPEECH_AZURE_ENDPOINT are both set. Set one of them.",
        ),
        (
            {"SPEECH_OPENAI_URL": "ws://api.example.com"},
            "SPEECH_OPENAI_URL is 'ws://api.example.com'; it must begin with wss:// or https:// and name a host.",
        ),
    ],
)
def test_settings_that_do_not_belong_together_are_one_sentence(given: dict[str, str], says: str) -> None:
    done = preflight(SECRET_KEY="x" * 50, **given)
    assert (done.returncode, done.stderr) == (1, f"{says}\n")
    assert "very-secret" not in done.stderr
    assert json.loads(preflight(SECRET_KEY="x" * 50, **AZURE).stdout)
