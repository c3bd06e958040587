"""The recognisers that a policy may choose, as people are told of them. Which of them this portal offers is the
setting SPEECH_RECOGNISERS, a list of dotted paths: a policy may name no other, since naming one loads its code.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from calls.profiles import Capture, Start

AZURE_CALL: Final = "streaming.transcripts.endpoint.TranscriptEndpoint"
POCKETSPHINX: Final = "streaming.engines.pocketsphinx.Pocketsphinx"
AZURE_SPEECH: Final = "streaming.engines.azure_speech.AzureSpeech"
OPENAI_REALTIME: Final = "streaming.engines.openai_realtime.OpenAIRealtime"


@dataclass(frozen=True, slots=True)
class RecogniserFacts:
    """`source` stands on its segments; `note` is one honest sentence for whoever chooses; `needs` names settings."""

    path: str
    source: str
    title: str
    note: str
    needs: str = ""


_KNOWN: Final = {
    each.path: each
    for each in (
        RecogniserFacts(
            AZURE_CALL,
            "azure_call",
            "Azure, within the call",
            "Azure transcribes the call itself and sends the text; it needs an Azure AI service on the resource.",
        ),
        RecogniserFacts(
            POCKETSPHINX,
            "pocketsphinx",
            "On this machine (demo recogniser)",
            "Understands phrases of its list well and free speech poorly; no sound leaves this machine. English only.",
        ),
        RecogniserFacts(
            AZURE_SPEECH,
            "azure_speech",
            "Azure AI Speech",
            "The sound is sent to your Azure AI Speech resource.",
            "SPEECH_AZURE_KEY and SPEECH_AZURE_REGION",
        ),
        RecogniserFacts(
            OPENAI_REALTIME,
            "openai_realtime",
            "OpenAI or Azure OpenAI Realtime",
            "The sound is sent to OpenAI or to your Azure OpenAI resource.",
            "SPEECH_OPENAI_KEY",
        ),
    )
}


def offered() -> list[RecogniserFacts]:
    """What a policy may choose, in the setting's order."""
    return [facts_of(path) for path in settings.SPEECH_RECOGNISERS]


def lacking(path: str) -> str:
    """Why this portal does not offer that recogniser, and what to do; "" if it does."""
    if path in settings.SPEECH_RECOGNISERS:
        return ""
    facts = facts_of(path)
    if facts.needs:
        return f"{facts.title} is not offered here. Set {facts.needs}, or choose another recogniser."
    return f"{facts.title} is not offered here. Name {path} in SPEECH_RECOGNISERS, or choose another recogniser."


def usual() -> str:
    """The one that a start without a choice gets: on this machine where it is offered; "" if none is."""
    offers = settings.SPEECH_RECOGNISERS
    return POCKETSPHINX if POCKETSPHINX in offers else next((each for each in offers if each != AZURE_CALL), "")


def usual_capture() -> Capture:
    """What is kept of a call that no policy took and that nobody asked anything else for."""
    start: Start = "now" if settings.RECORDING_START_DEFAULT == "now" else "later"
    return Capture(recogniser=settings.SPEECH_RECOGNISER_DEFAULT, recording_start=start)


def facts_of(path: str) -> RecogniserFacts:
    """Also of a recogniser of the site's own, which is known by its path alone."""
    name = path.rpartition(".")[2]
    return _KNOWN.get(path) or RecogniserFacts(path, name.lower()[:40], name, "A recogniser of this site's own.")
