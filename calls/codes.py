"""Azure's events and codes in plain words, from one table.

Source: Call Automation's troubleshooting codes, its play and recognize how-tos, and recorded events
(docs/protocol.md). A sentence leads, a remedy follows where a person can do something; the numbers themselves stand
beside it on the page. Headlines have no full stop; how a call ended is a sentence and has one.
"""

from dataclasses import dataclass
from typing import Final, Literal

Tone = Literal["ok", "wait", "bad", "us", "off"]
Direction = Literal["inbound", "outbound", ""]

_QUOTE_LIMIT: Final = 160
_TEXT_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Explanation:
    """`tone` is a colour (ok wait bad us off), `icon` a name in static/icons.svg; `remedy` may be ""."""

    text: str
    remedy: str
    tone: Tone
    icon: str


@dataclass(frozen=True, slots=True)
class _End:
    """How a call ended; `inbound` and `outbound` say it better once we know who called whom."""

    text: str
    inbound: str = ""
    outbound: str = ""
    remedy: str = ""
    tone: Tone = "off"
    icon: str = "ended"


_AGAIN: Final = "Try again; if it repeats, give Azure's support the call's correlation id."
_CONFIGURE_AI: Final = "Connect an Azure AI service to the Communication Services resource."
_PUBLIC_URL: Final = (
    "Start streaming again; if it repeats, check that PUBLIC_URL is reachable from the internet by wss."
)
_WORDS_URL: Final = "Start it again; if it repeats, check that PUBLIC_URL is reachable from the internet by wss."

# What went as it should: event → (words, tone, icon).
_EVENTS: Final[dict[str, tuple[str, Tone, str]]] = {
    "IncomingCall": ("Rings", "wait", "ringing"),
    "CallConnected": ("Connected", "ok", "live"),
    "ParticipantsUpdated": ("Participants changed", "off", "person"),
    "CallTransferAccepted": ("Transferred", "ok", "transfer"),
    "AddParticipantSucceeded": ("Participant added", "ok", "person"),
    "RemoveParticipantSucceeded": ("Participant removed", "off", "person"),
    "MoveParticipantSucceeded": ("Participant moved here", "ok", "person"),
    "CancelAddParticipantSucceeded": ("Invitation withdrawn", "off", "person"),
    "PlayStarted": ("Azure plays a file or text", "us", "play"),
    "PlayCompleted": ("Azure has played to the end", "ok", "check"),
    "PlayCanceled": ("Azure's playing was canceled", "off", "stop"),
    "PlayPaused": ("Azure's playing is paused", "off", "pause"),
    "PlayResumed": ("Azure plays again", "us", "play"),
    "RecognizeCompleted": ("Azure has recognised an answer", "ok", "check"),
    "RecognizeCanceled": ("Azure's recognising was canceled", "off", "stop"),
    "ContinuousDtmfRecognitionToneReceived": ("A key was pressed", "off", "keypad"),
    "ContinuousDtmfRecognitionStopped": ("Azure no longer listens for keys", "off", "keypad"),
    "SendDtmfTonesCompleted": ("Keys sent", "ok", "keypad"),
    "HoldAudioStarted": ("Hold music started", "us", "pause"),
    "HoldAudioPaused": ("Hold music paused", "off", "pause"),
    "HoldAudioResumed": ("Hold music plays again", "us", "pause"),
    "HoldAudioCompleted": ("Hold music ended", "off", "pause"),
    "MediaStreamingStarted": ("Streaming started", "ok", "both-ways"),
    "MediaStreamingStopped": ("Streaming stopped", "off", "no-stream"),
    "TranscriptionStarted": ("Azure's transcription started", "ok", "text"),
    "TranscriptionUpdated": ("Azure's transcription changed its language", "ok", "text"),
    "TranscriptionResumed": ("Azure's transcription goes on", "ok", "text"),
    "TranscriptionStopped": ("Azure's transcription stopped", "off", "text"),
    "RecordingStateChanged": ("Azure's recording changed its state", "off", "file"),
    "TeamsRecordingStateChanged": ("A Teams recording changed its state", "off", "file"),
    "TeamsComplianceRecordingStateChanged": ("A Teams compliance recording changed its state", "off", "file"),
    "RecordingFileStatusUpdated": ("Azure's recording is ready to be fetched", "off", "file"),
    "CallStarted": ("Azure reports the start of the call", "off", "tag"),
    "CallParticipantAdded": ("Azure reports that somebody joined", "off", "person"),
    "CallParticipantRemoved": ("Azure reports that somebody left", "off", "person"),
    "SubscriptionValidationEvent": ("Event Grid asked whether this address is ours", "off", "link"),
    "SubscriptionDeletedEvent": ("The Event Grid subscription was deleted", "bad", "trouble"),
}

# What did not: event → (words, icon).
_FAILURES: Final[dict[str, tuple[str, str]]] = {
    "CallTransferFailed": ("The transfer failed", "transfer"),
    "AddParticipantFailed": ("The participant could not be added", "trouble"),
    "RemoveParticipantFailed": ("The participant could not be removed", "trouble"),
    "MoveParticipantFailed": ("The participant could not be moved here", "trouble"),
    "CancelAddParticipantFailed": ("The invitation could not be withdrawn", "trouble"),
    "PlayFailed": ("Azure could not play", "trouble"),
    "RecognizeFailed": ("Azure recognised no answer", "trouble"),
    "ContinuousDtmfRecognitionToneFailed": ("A key press was lost", "trouble"),
    "SendDtmfTonesFailed": ("The keys could not be sent", "trouble"),
    "HoldFailed": ("The participant could not be held", "trouble"),
    "MediaStreamingFailed": ("Streaming failed", "trouble"),
    "TranscriptionFailed": ("Azure's transcription failed", "trouble"),
    "StartRecordingFailed": ("Azure's recording did not start", "trouble"),
}

# What the portal itself saw: event → (words, tone, icon). The event's message is a sentence of ours, not Azure's.
_OWN: Final[dict[str, tuple[str, Tone, str]]] = {
    "StreamOpened": ("Media socket opened", "ok", "link"),
    "StreamClosed": ("Media socket closed", "off", "no-stream"),
    "StreamLost": ("Media socket lost: its process no longer answers", "bad", "trouble"),
    "StreamIdle": ("The portal ends the stream", "bad", "no-stream"),
    "StreamFound": ("Media socket found again: its process answers", "ok", "link"),
    "StreamingResumed": ("The portal starts streaming again", "us", "both-ways"),
    "StreamStalled": ("No sound comes any more", "wait", "warning"),
    "StreamFlows": ("Sound comes again", "ok", "link"),
    "StreamMissing": ("Streaming failed", "bad", "trouble"),
    "SocketRefused": ("We refused Azure's media socket", "bad", "trouble"),
    "TranscriptFailed": ("The transcript failed", "bad", "trouble"),
    "TranscriptOpened": ("Transcription socket opened", "ok", "link"),
    "TranscriptClosed": ("Transcription socket closed", "off", "link"),
    "TranscriptImpossible": ("The call has no transcript", "bad", "trouble"),
    "TranscriptRefused": ("We refused Azure's transcription socket", "bad", "trouble"),
    "CallbackRefused": ("We refused a message from Azure", "bad", "trouble"),
    "CallFound": ("Connected", "ok", "live"),
    "OrderPutOff": ("Azure could not take the order", "wait", "clock"),
    "DtmfPressed": ("A key was pressed", "off", "keypad"),
    "SensitiveBegan": ("Sensitive pause", "wait", "pause"),
    "SensitiveProlonged": ("Sensitive pause prolonged", "wait", "pause"),
    "SensitiveEnded": ("The sensitive pause has ended", "ok", "play"),
    "RecordingTrouble": ("The recording has a fault", "bad", "trouble"),
    "RecordingWell": ("The recording is written again", "ok", "check"),
    "RecordingStarted": ("Recording started", "ok", "record"),
    "RecordingEnded": ("Recording ended", "off", "record"),
    "RecordingBroke": ("Recording broke off: its process no longer answers", "bad", "trouble"),
    "CallTooLong": ("The portal ends the call", "bad", "clock"),
}
# What Azure says of its own recording, by the state that the event names.
RECORDING_STATES: Final = {"active": "Azure records", "inactive": "Azure's recording is paused, or has ended"}
_CLEAN_CLOSES: Final = frozenset({1000, 1001})
_OWN_REFUSALS: Final = frozenset({"PlaceRefused", "AnswerRefused"})
# Ends whose message is the whole sentence, because only we know how it came.
_SELF_SPOKEN: Final = frozenset({"CallRejected", "CallRedirected"})

# How a recognition succeeded, by subcode.
_RECOGNISED: Final[dict[int, str]] = {
    8531: "Keys received, as many as asked for",
    8514: "Keys received, up to the stop key",
    8533: "A key chose an option",
    8545: "Spoken words chose an option",
    8569: "Spoken words received",
}

# What a refused or failed order means: (code, or None for any, subcode) → (words, remedy).
_CODES: Final[dict[tuple[int | None, int], tuple[str, str]]] = {
    (404, 8522): ("Azure knows no such call or participant", "It has probably ended; the call's events tell."),
    (405, 8522): ("Azure AI services are not set up", _CONFIGURE_AI),
    (None, 8567): ("Azure AI services are not set up", _CONFIGURE_AI),
    (None, 8523): ("Azure found part of the order invalid", "Check numbers, and that PUBLIC_URL begins with https."),
    (None, 8501): ("The call is not connected yet", "Wait until it is connected, then try again."),
    (None, 8500): ("Azure is still busy with sound of this call", "Stop what plays or streams, then try again."),
    (None, 8528): ("The call has already ended", ""),
    (None, 8519): ("Azure is still carrying out another order for this call", "Wait a moment, then try again."),
    (None, 7507): ("The number we call from belongs to another resource", "Use a number of this ACS resource."),
    (None, 7504): ("Azure does not permit this with our resource", "Check the resource's numbers and permissions."),
    (None, 7509): ("Azure refused our access key", "Check ACS_ACCESS_KEY and this machine's clock."),
    (None, 8585): ("This is not possible in the call's present state", "Wait for the call's next event."),
    (None, 8520): ("Azure does not support this for this call", ""),
    (None, 8583): ("Azure is busy with something that excludes this", "Stop what plays or listens, then try again."),
    (None, 7015): ("Transferred", ""),
    (None, 8508): ("It was canceled", ""),
    (None, 8535): ("The file's format cannot be played", "Use WAV, mono, 16 bit, 16 kHz."),
    (None, 8536): ("Azure could not fetch the file", "Check that its address is reachable from the internet."),
    (None, 8565): ("Azure's AI service refused or did not answer", "Check that service's key, region and quota."),
    (None, 8572): ("Azure's service was shutting down", _AGAIN),
    (None, 8510): ("Nothing was said or pressed in time", "Ask again."),
    (None, 8532): ("The next key did not come in time", "Ask again."),
    (None, 8563): ("The words were not understood", "Ask again."),
    (None, 8511): ("The prompt could not be played", _AGAIN),
    (None, 8512): ("The prompt could not be played", _AGAIN),
    (None, 8581): (
        "Azure found no media socket at our address",
        "Check that PUBLIC_URL is https and reachable from the internet by wss, then start again.",
    ),
    (None, 8603): ("Azure could not open our media socket", _PUBLIC_URL),
    (None, 8604): ("Azure canceled the streaming", "Start streaming again if it is still wanted."),
    (None, 8578): ("Azure could not open our transcription socket", _WORDS_URL),
    (None, 8579): ("Azure's transcription was canceled", ""),
    (None, 8580): ("Azure's transcription service was shutting down", "Start it again."),
    (None, 8605): ("Azure's transcription is not set up for this call", _CONFIGURE_AI),
    (None, 8516): ("Azure slows this resource down", "Wait a minute; if it repeats, ask Azure for a higher limit."),
    (None, 8530): ("The resource has as many calls as Azure allows", "Let calls end, or ask Azure for a higher limit."),
    (None, 8537): ("The call was no longer kept alive", _AGAIN),
    (None, 8586): ("The call was not taken in time", "Check that the portal was running and answers quickly."),
    (None, 8587): ("The call was not answered in time", ""),
    (None, 10110): ("The call reached Azure's longest duration", "Place a new call."),
    (None, 12323): ("The key could not be read", ""),
    (None, 9001): ("Azure has a fault of its own", _AGAIN),
    (None, 9002): ("Azure has a fault of its own", _AGAIN),
    (None, 9003): ("Azure has a fault of its own", _AGAIN),
    (None, 9998): ("Azure has a fault of its own", _AGAIN),
    (None, 9999): ("Azure has a fault it does not name", _AGAIN),
}
_CANCELED: Final = frozenset({8508, 8579, 8604})

# Events that end a call → its words if the numbers are not in the table (Azure's) or do not matter (the portal's own).
_LAST: Final[dict[str, _End]] = {
    "CallDisconnected": _End("The call was disconnected"),
    "CreateCallFailed": _End("The call could not be placed", tone="bad", icon="trouble"),
    "ConnectFailed": _End("The call could not be connected", tone="bad", icon="trouble"),
    "AnswerFailed": _End("The call could not be answered", tone="bad", icon="trouble"),
    "PlaceRefused": _End("Azure did not place the call", tone="bad", icon="trouble"),
    "AnswerRefused": _End("Azure did not let us answer", tone="bad", icon="trouble"),
    "CallRejected": _End("We rejected the call."),
    "CallRedirected": _End("We redirected the call.", icon="transfer"),
    "CallCancelled": _End(
        "The call was canceled before it connected.", inbound="The caller gave up before we answered."
    ),
    "RingingTimedOut": _End("Nobody answered within 30 s.", inbound="Nobody here answered within 30 s."),
    "CallEnded": _End("The call ended."),
    "CallGone": _End("Azure no longer knows this call; no event told of its end."),
}
_UNANSWERED: Final = _End(
    "The call was canceled before it was answered.",
    inbound="The caller gave up before we answered.",
    outbound="The call was canceled before anybody answered.",
)
_FULL: Final = _End("Azure's network was overloaded.", remedy=_AGAIN, tone="bad", icon="trouble")

# (code, subcode) of an end → its words.
_ENDS: Final[dict[tuple[int, int], _End]] = {
    (200, 0): _End("The other side hung up.", "The caller hung up.", "The person called hung up."),
    (200, 4521): _End("The other side lost its connection.", "The caller lost the connection.", icon="trouble"),
    (200, 5000): _End("The portal's leg was removed from the call."),
    (200, 5010): _End("The call ended because everybody else had left."),
    (200, 5013): _End("The call ended because nobody joined it."),
    (200, 7000): _End("The portal ended the call."),
    (200, 7015): _End("The call was handed over by transfer."),
    (487, 0): _UNANSWERED,
    (487, 540487): _UNANSWERED,
    (487, 10003): _End("The call was answered elsewhere."),
    (487, 10024): _End("Everybody declined the call."),
    (487, 10004): _End("The call was not answered in time."),
    (500, 10045): _End("The call broke on a fault in Azure's network.", remedy=_AGAIN, tone="bad", icon="trouble"),
    (503, 560503): _FULL,
    (403, 510403): _End(
        "The call was blocked as spam.",
        remedy="Ask Azure's support to have the calling number unblocked.",
        tone="bad",
        icon="trouble",
    ),
    (403, 560403): _End("The call was rejected.", outbound="The person called rejected the call.", tone="bad"),
    (480, 10078): _End("The user is not signed in anywhere.", remedy="Call again later.", tone="bad"),
    (480, 10076): _End("The user is not signed in anywhere.", remedy="Call again later.", tone="bad"),
    (480, 10077): _End("The user is not signed in anywhere.", remedy="Call again later.", tone="bad"),
    (480, 560480): _End("Nobody answered.", remedy="Call again later.", tone="bad", icon="trouble"),
    (404, 4500): _End("There is no such user or number.", remedy="Check the number.", tone="bad", icon="trouble"),
    (484, 560484): _End("The number is not complete.", remedy="Check the number.", tone="bad", icon="trouble"),
    (408, 10057): _End("The call could not be set up in time.", remedy=_AGAIN, tone="bad", icon="trouble"),
    (408, 4506): _End("Answering took too long.", remedy=_AGAIN, tone="bad", icon="trouble"),
    (429, 10110): _End("The call reached Azure's longest duration.", remedy="Place a new call."),
    (496, 7): _End("The call could not be set up.", remedy=_AGAIN, tone="bad", icon="trouble"),
    (404, 8522): _End("The call was already over.", "The caller had already gone."),
}


def explain(
    event_type: str, code: int | None, subcode: int | None, message: str, direction: Direction = ""
) -> Explanation:
    """What an event of Azure's (or one of the portal's own ends) means, in at most 300 characters.

    With `direction` the far side has a name: "The caller hung up." instead of "The other side hung up."
    Unknown numbers are quoted with Azure's message, never guessed at.
    """
    if event_type in _LAST:
        return _end(event_type, code, subcode, message, direction)
    if event_type in _OWN:
        return _own(event_type, code, message)
    known = _EVENTS.get(event_type)
    canceled = known is not None and subcode in _CANCELED  # PlayCanceled, HoldAudioCompleted
    if event_type.endswith("Failed") or (code is not None and code >= 400 and not canceled):
        return _failure(event_type, code, subcode, message)
    if known is None:
        return Explanation(_cut(_spaced(event_type) + _numbers(code, subcode) + _says(message)), "", "off", "tag")
    text, tone, icon = known
    if event_type == "RecordingStateChanged":
        text = RECORDING_STATES.get(message, text)
    if event_type == "RecognizeCompleted" and subcode is not None:
        text = _RECOGNISED.get(subcode, text)
    return Explanation(text, "", tone, icon)


def explain_code(code: int | None, subcode: int | None) -> tuple[str, str] | None:
    """Words and remedy for the numbers of a refused or failed order; None if the table does not know them."""
    if subcode is None:
        return None
    return (_CODES.get((code, subcode)) if code is not None else None) or _CODES.get((None, subcode))


def _own(event_type: str, code: int | None, message: str) -> Explanation:
    text, tone, icon = _OWN[event_type]
    if event_type == "StreamClosed" and code not in _CLEAN_CLOSES:
        text, tone, icon = f"Media socket broke{_numbers(code, None)}", "bad", "trouble"
    if event_type == "TranscriptClosed" and code not in _CLEAN_CLOSES:
        text, tone, icon = f"Transcription socket broke{_numbers(code, None)}", "bad", "trouble"
    if message:
        text = message if event_type == "DtmfPressed" else f"{text}: {message}"
    return Explanation(_cut(text), "", tone, icon)


def _end(event_type: str, code: int | None, subcode: int | None, message: str, direction: Direction) -> Explanation:
    last = _LAST[event_type]
    if event_type in _SELF_SPOKEN and message:
        return Explanation(_cut(message), last.remedy, last.tone, last.icon)
    # The numbers of a call that is gone are those of the order by which we learned it.
    known = event_type != "CallGone" and code is not None and subcode is not None
    found = _ENDS.get((code or 0, subcode or 0)) if known else None
    found = found or (last if last.text.endswith(".") else None)
    if found is not None:
        text = {"inbound": found.inbound, "outbound": found.outbound, "": ""}[direction] or found.text
        tone: Tone = "bad" if last.tone == "bad" and code != 487 else found.tone
        return Explanation(text, found.remedy, tone, found.icon)
    why = explain_code(code, subcode)
    if why is not None:
        return Explanation(f"{last.text}. {why[0]}.", why[1], last.tone, last.icon)
    said = f". {message}" if event_type in _OWN_REFUSALS and message else _says(message) or "."
    return Explanation(_cut(f"{last.text}{_numbers(code, subcode)}{said}"), "", last.tone, last.icon)


def _failure(event_type: str, code: int | None, subcode: int | None, message: str) -> Explanation:
    """A failed operation: what failed, then why."""
    what, icon = _FAILURES.get(event_type) or (_spaced(event_type), "trouble")
    why = explain_code(code, subcode)
    if why is None:
        return Explanation(_cut(f"{what}{_numbers(code, subcode)}{_says(message)}"), "", "bad", icon)
    text, remedy = why
    if event_type != "MediaStreamingFailed":  # whose reasons say by themselves what failed
        text = f"{what}. {text}"
    return Explanation(text, remedy, "off" if subcode in _CANCELED else "bad", icon)


def _numbers(code: int | None, subcode: int | None) -> str:
    if code is None:
        return ""
    return f" ({code})" if subcode is None else f" ({code}/{subcode})"


def _says(message: str) -> str:
    said = " ".join(message.split()).rstrip(".")
    return f". Azure says: {said[:_QUOTE_LIMIT]}." if said else ""


def _spaced(event_type: str) -> str:
    """`HoldAudioStarted` → "Hold audio started"."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in event_type).strip()
    return (words[:1].upper() + words[1:]) or "Unnamed event"


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
