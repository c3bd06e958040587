"""What a call's set-up asks of Azure's transcription. A call is never the worse for it: what stands in the way of its
words is said on its timeline, and the call itself goes on."""

import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import transaction

from calls import recognisers
from calls.doorways import transcription_url
from calls.errors import GatewayError
from calls.gateway import Connection
from calls.gateway_transcripts import Transcribing
from calls.models import Call
from calls.services.state import lock, note, settle

IMPOSSIBLE: Final = "TranscriptImpossible"
NO_SERVICE: Final = (
    "Azure cannot transcribe the call, because no Azure AI service is named. Set ACS_AI_ENDPOINT to the one that is "
    "connected to the Communication Services resource, or choose another recogniser."
)
NO_COUNTRY: Final = "Azure transcribes a language with its country, such as en-US or de-DE; {language} has none."
# Azure's words on an order whose wish for a transcript it cannot fulfil (protocol sheet, 2).
REFUSALS: Final = frozenset({(400, 8523), (400, 8565), (400, 8605), (405, 8520), (405, 8522), (400, 8581)})
_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z]{4})?-[A-Za-z]{2}", re.ASCII)


def obstacle(call: Call) -> str:
    """Why Azure is not even asked to transcribe this call; empty if it can be."""
    if not settings.ACS_AI_ENDPOINT:
        return NO_SERVICE
    return "" if _LOCALE.fullmatch(call.language) else NO_COUNTRY.format(language=call.language)


def set_up_call(call: Call, ask: Callable[[Transcribing | None], Connection]) -> Connection:
    """Answers or places the call by `ask`, with its transcript if it has one to ask for.

    Should Azure refuse the order for the transcript's sake, it is asked once more without.
    """
    if call.recogniser != recognisers.AZURE_CALL:
        return ask(None)
    why = obstacle(call)
    if not why:
        try:
            return ask(Transcribing(transcription_url(call.pk), call.language, settings.ACS_AI_ENDPOINT))
        except GatewayError as refusal:
            if (refusal.azure_status, refusal.subcode) not in REFUSALS:
                raise
            why = refusal.message
    connection = ask(None)
    _tell(call, why)
    return connection


def _tell(call: Call, why: str) -> None:
    with transaction.atomic():
        locked = lock(call.pk)
        note(locked, IMPOSSIBLE, message=why)
        settle(locked)
