"""Which recognisers this portal can offer, told from the settings that it was given."""

from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

# Those of calls/recognisers.py, which reads the settings and so cannot be read by them.
AZURE_CALL: Final = "streaming.transcripts.endpoint.TranscriptEndpoint"
POCKETSPHINX: Final = "streaming.engines.pocketsphinx.Pocketsphinx"
AZURE_SPEECH: Final = "streaming.engines.azure_speech.AzureSpeech"
OPENAI_REALTIME: Final = "streaming.engines.openai_realtime.OpenAIRealtime"


def recognisers(chosen: Sequence[str] | None, given: dict[str, Any]) -> list[str]:
    """The dotted paths; those of services outside only where `given`, the settings, say how to reach them.

    Raises ImproperlyConfigured, in one sentence, for settings that do not belong together, and for a recogniser that
    was `chosen` by name and lacks its key.
    """
    lacking = {AZURE_SPEECH: _azure_speech_lacks(given), OPENAI_REALTIME: _openai_lacks(given)}
    if chosen is None:
        return [path for path in (AZURE_CALL, POCKETSPHINX, AZURE_SPEECH, OPENAI_REALTIME) if not lacking.get(path)]
    for path in chosen:
        if lacking.get(path):
            raise ImproperlyConfigured(f"SPEECH_RECOGNISERS names {path}, and {lacking[path]}")
    return list(chosen)


def _azure_speech_lacks(given: dict[str, Any]) -> str:
    key, region, endpoint = (given[f"SPEECH_AZURE_{name}"] for name in ("KEY", "REGION", "ENDPOINT"))
    if region and endpoint:
        raise ImproperlyConfigured("SPEECH_AZURE_REGION and SPEECH_AZURE_ENDPOINT are both set. Set one of them.")
    if key and not (region or endpoint):
        raise ImproperlyConfigured(
            "SPEECH_AZURE_KEY is set, and nothing says where. Set SPEECH_AZURE_REGION (such as westeurope) "
            "or SPEECH_AZURE_ENDPOINT."
        )
    if region and not key:
        raise ImproperlyConfigured("SPEECH_AZURE_REGION is set without a key. Set SPEECH_AZURE_KEY.")
    return "" if region or endpoint else "SPEECH_AZURE_KEY is not set. Set it, and SPEECH_AZURE_REGION."


def _openai_lacks(given: dict[str, Any]) -> str:
    return "" if given["SPEECH_OPENAI_KEY"] else "SPEECH_OPENAI_KEY is not set. Set it."
