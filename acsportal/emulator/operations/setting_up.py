"""Answer, place, join, turn away, look at and end calls."""

from typing import Any

from acsportal.emulator import errors
from acsportal.emulator.call import Call, SetUp, identifier
from acsportal.emulator.call.results import REDIRECTED, REJECTED
from acsportal.emulator.call.transcription import TranscriptionOptions
from acsportal.emulator.media.stream import StreamingOptions
from acsportal.emulator.operations.asking import (
    HTTP,
    Answer,
    Ask,
    Body,
    choice_of,
    flag_of,
    number_of,
    object_of,
    target_of,
    text_of,
    url_of,
)
from acsportal.emulator.operations.transcribing import locale_of

RATES_HZ = {"pcm16KMono": 16000, "pcm24KMono": 24000}
WEB_SOCKET = ("ws", "wss")
LOCATORS = {"serverCallLocator": "serverCallId", "groupCallLocator": "groupCallId", "roomCallLocator": "roomId"}


def answer(ask: Ask) -> Answer:
    call = _ringing(ask)
    ask.exchange.answer(call, _set_up(ask))
    return 200, properties_of(call)


def reject(ask: Ask) -> Answer:
    choice_of(ask.body, "callRejectReason", ("none", "busy", "forbidden"), "none")
    _ringing(ask).turn_away(REJECTED)
    return 204, None


def redirect(ask: Ask) -> Answer:
    call = _ringing(ask)
    target_of(ask.body.get("target"))
    call.turn_away(REDIRECTED)
    return 204, None


def create(ask: Ask) -> Answer:
    raw_ids = ask.targets("targets")
    set_up = _set_up(ask)
    number = number_of(ask.body, "sourceCallerIdNumber")
    if any(raw_id.startswith("4:") for raw_id in raw_ids) and not number:
        raise errors.invalid("sourceCallerIdNumber is needed to call a phone number")
    call = ask.exchange.place(f"4:{number}" if number else set_up.own_raw_id, raw_ids, set_up)
    return 201, properties_of(call)


def connect(ask: Ask) -> Answer:
    """By server call id: into a conversation that is under way. By group or room: into one that may not be yet."""
    locator = object_of(ask.body, "callLocator")
    kind = choice_of(locator, "kind", tuple(LOCATORS))
    address = text_of(locator, LOCATORS[kind])
    if not address:
        raise errors.invalid(f"callLocator.{LOCATORS[kind]} is missing")
    call = ask.exchange.connect(kind, address, _set_up(ask))
    if call is None:
        raise errors.call_not_found(address)
    return 200, properties_of(call)


def properties(ask: Ask) -> Answer:
    return 200, properties_of(ask.live())


def hang_up(ask: Ask) -> Answer:
    ask.live().leave()
    return 204, None


def terminate(ask: Ask) -> Answer:
    ask.live().hang_up(by_portal=True)
    return 204, None


OPERATIONS = {
    "POST callConnections": create,
    "POST callConnections:answer": answer,
    "POST callConnections:connect": connect,
    "POST callConnections:reject": reject,
    "POST callConnections:redirect": redirect,
    "GET callConnections/{id}": properties,
    "DELETE callConnections/{id}": hang_up,
    "POST callConnections/{id}:terminate": terminate,
}


def _ringing(ask: Ask) -> Call:
    context = ask.text("incomingCallContext")
    call = ask.exchange.by_context(context) if context else None
    if call is None:
        raise errors.invalid("incomingCallContext is missing or unknown")
    if call.set_up is not None:
        raise errors.conflict()
    if call.phase != "ringing":
        raise errors.ringing_is_over()
    return call


def _set_up(ask: Ask) -> SetUp:
    source = ask.body.get("answeredBy") or ask.body.get("source")
    own_id = source.get("id") if isinstance(source, dict) else None
    service = text_of(object_of(ask.body, "callIntelligenceOptions"), "cognitiveServicesEndpoint")
    return SetUp(
        ask.url("callbackUri", HTTP),
        ask.text("operationContext"),
        ask.api_version,
        _streaming(ask.body.get("mediaStreamingOptions")),
        own_id if isinstance(own_id, str) else ask.exchange.own_raw_id(),
        _transcription(ask.body.get("transcriptionOptions"), bool(service)),
        bool(service),
    )


def _streaming(options: Any) -> StreamingOptions | None:
    if options is None:
        return None
    if not isinstance(options, dict):
        raise errors.invalid("mediaStreamingOptions is no object")
    choice_of(options, "transportType", ("websocket",))
    choice_of(options, "contentType", ("audio",))
    return StreamingOptions(
        transport_url=url_of(options, "transportUrl", WEB_SOCKET),
        unmixed=choice_of(options, "audioChannelType", ("mixed", "unmixed")) == "unmixed",
        rate_hz=RATES_HZ[choice_of(options, "audioFormat", tuple(RATES_HZ), "pcm16KMono")],
        bidirectional=flag_of(options, "enableBidirectional"),
        dtmf=flag_of(options, "enableDtmfTones"),
        start=flag_of(options, "startMediaStreaming"),
    )


def _transcription(options: Any, is_configured: bool) -> TranscriptionOptions | None:
    if options is None:
        return None
    if not isinstance(options, dict):
        raise errors.invalid("transcriptionOptions is no object")
    choice_of(options, "transportType", ("websocket",))
    return TranscriptionOptions(
        transport_url=url_of(options, "transportUrl", WEB_SOCKET),
        locale=locale_of(options),
        start=flag_of(options, "startTranscription"),
        intermediate=flag_of(options, "enableIntermediateResults"),
        is_configured=is_configured,
    )


def properties_of(call: Call) -> Body:
    """CallConnectionProperties (sheet 6.4)."""
    if call.leg is None or call.set_up is None:
        raise errors.not_established(call.id)
    own = call.set_up.own_raw_id
    body: Body = {
        "callConnectionId": call.leg.call_connection_id,
        "serverCallId": call.server_call_id,
        "targets": [identifier(target) for target in (call.targets or [call.callee])],
        "callConnectionState": "transferring" if call.invitations.is_transferring else call.phase,
        "callbackUri": call.set_up.callback_url,
        "sourceDisplayName": "",
        "source": identifier(call.caller if call.direction == "inbound" else own),
        "correlationId": call.correlation_id,
    }
    if call.caller.startswith("4:+"):
        body["sourceCallerIdNumber"] = {"value": call.caller[2:]}
    if call.direction == "inbound":
        body["answeredBy"] = {"id": own}
        if call.callee.startswith("4:+"):
            body["answeredFor"] = {"value": call.callee[2:]}
    if call.media is not None:
        body["mediaStreamingSubscription"] = {
            "id": call.media.subscription_id,
            "state": "active" if call.media.state in ("streaming", "stopping") else "inactive",
            "subscribedContentTypes": ["audio"],
        }
    if call.transcription is not None:
        wanted = ["final", "intermediate"] if call.transcription.options.intermediate else ["final"]
        body["transcriptionSubscription"] = {
            "id": call.transcription.subscription_id,
            "state": "active" if call.transcription.state in ("active", "stopping") else "inactive",
            "subscribedResultTypes": wanted,
            "locale": call.transcription.locale,
        }
    return body
