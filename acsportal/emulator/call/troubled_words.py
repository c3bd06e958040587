"""What is wrong with a call's transcription socket, and what a preview would say more: both to order, as faults."""

from collections.abc import Callable
from typing import Any

from acsportal.emulator.call.results import (
    TRANSCRIPTION_CANCELED,
    TRANSCRIPTION_NO_SUCH_URL,
    TRANSCRIPTION_SERVICE_REFUSED,
    TRANSCRIPTION_UNCONNECTED,
)
from acsportal.emulator.callbacks import Result
from acsportal.emulator.faults import Fault, Faults

REFUSALS: dict[str, Result] = {
    "8578": TRANSCRIPTION_UNCONNECTED,
    "8581": TRANSCRIPTION_NO_SUCH_URL,
    "8565": TRANSCRIPTION_SERVICE_REFUSED,
    "8579": TRANSCRIPTION_CANCELED,
}
DROP, PREVIEW, REFUSED = "drop_transcript", "preview_transcript", "transcript_refused"


class TroubledWords:
    """The faults of one call's transcription. ``break_off`` breaks its socket, if it has one."""

    def __init__(self, faults: Faults, call: str, break_off: Callable[[], None]) -> None:
        self._faults, self._call, self._break_off = faults, call, break_off
        self._is_open = False
        self._forget = faults.listen(self._armed)

    def end(self) -> None:
        """The call is over."""
        self._forget()

    def begin(self) -> None:
        """A socket is open, and words flow."""
        self._is_open = True
        if self._faults.take(DROP, self._call):
            self._drop()

    def refusal(self) -> str | None:
        """Why Azure does not open the socket now; None if it does."""
        fault = self._faults.take(REFUSED, self._call)
        return None if fault is None else str(fault.options["subcode"])

    def of_metadata(self, locale: str) -> dict[str, Any]:
        """What the preview of 2025-08-15 says more when the socket opens (sheet 2)."""
        if not self._previewed():
            return {}
        redaction = {"enable": True, "redactionType": "MaskWithCharacter"}
        return {"locales": [locale.lower()], "enableSentimentAnalysis": True, "piiRedactionOptions": redaction}

    def of_words(self, locale: str) -> dict[str, Any]:
        """The same of each result."""
        if not self._previewed():
            return {}
        return {"languageIdentified": locale.lower(), "sentimentAnalysisResult": {"sentiment": "neutral"}}

    def _previewed(self) -> bool:
        return self._faults.take(PREVIEW, self._call) is not None

    def _armed(self, fault: Fault) -> None:
        if fault.name == DROP and self._is_open and fault.fits(self._call) and self._faults.take(DROP, self._call):
            self._drop()

    def _drop(self) -> None:
        self._is_open = False
        self._break_off()
