"""Section 6.2 of the protocol sheet, row by row: what the SDK puts on the wire, and what exactly it is answered.

A method of the SDK without a row, or an operation of the emulator that no row names, fails.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from azure.communication.callautomation import (
    CallAutomationClient,
    CallConnectionClient,
    DtmfTone,
    FileSource,
    RecognizeInputType,
    TranscriptionOptions,
)

from acsportal.emulator.rest import OPERATIONS
from tests.acsportal.emulator.operations.asking import (
    AGENT,
    CALLER,
    CALLER_ID,
    FILE_HOST,
    GUEST,
    NEVER,
    OWN_NUMBER,
    Line,
    answered,
)

PROPERTIES = {"callConnectionId", "serverCallId", "callConnectionState", "callbackUri", "correlationId", "targets"}
CONTEXT = {"operationContext"}
RECORDING = {"recordingId", "recordingState", "recordingKind"}
NOT_OPERATIONS = {"close", "from_connection_string", "get_call_connection"}
CC = "/calling/callConnections/{id}"


@dataclass(frozen=True)
class Row:
    """``keys`` must be in the answer's body; None: it has no body at all."""

    sdk: str
    method: str
    path: str
    status: int
    is_repeatable: bool
    keys: set[str] | None
    act: Callable[[Any, Line], Any]


def started(line: Line) -> str:
    recording = line.client.start_recording(call_connection_id=line.cc)
    return str(recording.recording_id)


def document(bench: Any, line: Line) -> str:
    """The address of a finished recording, at Azure's own host."""
    line.client.stop_recording(started(line))
    kind = "Microsoft.Communication.RecordingFileStatusUpdated"
    event = bench.until(
        lambda: next((body[0] for _, body in list(bench.portal.events) if body[0]["eventType"] == kind), None)
    )
    place = event["data"]["recordingStorageInfo"]["recordingChunks"][0]["deleteLocation"]
    return str(place.replace(bench.url, f"https://{FILE_HOST}"))


def fetched(line: Line, url: str) -> bytes:
    return b"".join(line.client.download_recording(url).iter_bytes())


def rung(bench: Any, line: Line) -> str:
    bench.ring()
    return str(bench.context())


def held(line: Line) -> Any:
    line.connection.hold(CALLER)
    return line.connection


def invited(line: Line) -> str:
    return str(line.connection.add_participant(NEVER, source_caller_id_number=OWN_NUMBER).invitation_id)


def other(bench: Any) -> Line:
    return answered(bench)


def transcribed(line: Line) -> Any:
    line.connection.start_transcription(operation_context="t")
    line.told("TranscriptionStarted")
    return line.connection


def streamed(line: Line) -> Any:
    line.connection.start_media_streaming()
    line.told("MediaStreamingStarted")
    return line.connection


def subscribed(line: Line) -> Any:
    line.connection.start_continuous_dtmf_recognition(CALLER)
    return line.connection


def deprecated(order: Callable[[], Any]) -> Any:
    with pytest.deprecated_call():
        return order()


FILE = FileSource("http://127.0.0.1:9/none.wav")
SOURCE = {"source_caller_id_number": OWN_NUMBER}

ROWS = [
    Row("create_call", "POST", "/calling/callConnections", 201, True, PROPERTIES,
        lambda b, x: x.client.create_call(GUEST, b.callback_url, **SOURCE)),
    Row("create_group_call", "POST", "/calling/callConnections", 201, True, PROPERTIES,
        lambda b, x: deprecated(lambda: x.client.create_group_call([GUEST, AGENT], b.callback_url, **SOURCE))),
    Row("answer_call", "POST", "/calling/callConnections:answer", 200, True, PROPERTIES,
        lambda b, x: x.client.answer_call(rung(b, x), b.callback_url)),
    Row("connect_call", "POST", "/calling/callConnections:connect", 200, True, PROPERTIES,
        lambda b, x: x.client.connect_call(b.callback_url, room_id="99")),
    Row("redirect_call", "POST", "/calling/callConnections:redirect", 204, True, None,
        lambda b, x: x.client.redirect_call(rung(b, x), GUEST)),
    Row("reject_call", "POST", "/calling/callConnections:reject", 204, True, None,
        lambda b, x: x.client.reject_call(rung(b, x), call_reject_reason="busy")),
    Row("get_call_properties", "GET", CC, 200, False, PROPERTIES, lambda b, x: x.connection.get_call_properties()),
    Row("hang_up", "DELETE", CC, 204, False, None, lambda b, x: x.connection.hang_up(False)),
    Row("hang_up", "POST", f"{CC}:terminate", 204, True, None, lambda b, x: x.connection.hang_up(True)),
    Row("transfer_call_to_participant", "POST", f"{CC}:transferToParticipant", 202, True, CONTEXT,
        lambda b, x: x.connection.transfer_call_to_participant(GUEST, transferee=CALLER, operation_context="c")),
    Row("list_participants", "GET", f"{CC}/participants", 200, False, {"value", "nextLink"},
        lambda b, x: list(x.connection.list_participants())),
    Row("get_participant", "GET", f"{CC}/participants/{quote(CALLER_ID, safe='')}", 200, False,
        {"identifier", "isMuted", "isOnHold"}, lambda b, x: x.connection.get_participant(CALLER)),
    Row("add_participant", "POST", f"{CC}/participants:add", 202, True, CONTEXT | {"participant", "invitationId"},
        lambda b, x: x.connection.add_participant(GUEST, operation_context="c", **SOURCE)),
    Row("remove_participant", "POST", f"{CC}/participants:remove", 202, True, CONTEXT,
        lambda b, x: x.connection.remove_participant(AGENT, operation_context="c")),
    Row("mute_participant", "POST", f"{CC}/participants:mute", 200, True, CONTEXT,
        lambda b, x: x.connection.mute_participant(AGENT, operation_context="c")),
    Row("cancel_add_participant_operation", "POST", f"{CC}/participants:cancelAddParticipant", 202, True,
        CONTEXT | {"invitationId"}, lambda b, x: x.connection.cancel_add_participant_operation(invited(x))),
    Row("move_participants", "POST", f"{CC}/participants:moveHere", 202, True, CONTEXT | {"participants", "fromCall"},
        lambda b, x: x.connection.move_participants([AGENT], other(b).cc)),
    Row("play_media", "POST", f"{CC}:play", 202, False, None, lambda b, x: x.connection.play_media(FILE, [CALLER])),
    Row("play_media_to_all", "POST", f"{CC}:play", 202, False, None,
        lambda b, x: deprecated(lambda: x.connection.play_media_to_all(FILE))),
    Row("cancel_all_media_operations", "POST", f"{CC}:cancelAllMediaOperations", 202, False, None,
        lambda b, x: x.connection.cancel_all_media_operations()),
    Row("start_recognizing_media", "POST", f"{CC}:recognize", 202, False, None,
        lambda b, x: x.connection.start_recognizing_media(RecognizeInputType.DTMF, CALLER)),
    Row("start_continuous_dtmf_recognition", "POST", f"{CC}:startContinuousDtmfRecognition", 200, False, None,
        lambda b, x: x.connection.start_continuous_dtmf_recognition(CALLER)),
    Row("stop_continuous_dtmf_recognition", "POST", f"{CC}:stopContinuousDtmfRecognition", 200, False, None,
        lambda b, x: subscribed(x).stop_continuous_dtmf_recognition(CALLER)),
    Row("send_dtmf_tones", "POST", f"{CC}:sendDtmfTones", 202, True, CONTEXT,
        lambda b, x: x.connection.send_dtmf_tones([DtmfTone.ONE, DtmfTone.POUND], CALLER)),
    Row("hold", "POST", f"{CC}:hold", 200, False, None, lambda b, x: x.connection.hold(CALLER)),
    Row("unhold", "POST", f"{CC}:unhold", 200, False, None, lambda b, x: held(x).unhold(CALLER)),
    Row("start_media_streaming", "POST", f"{CC}:startMediaStreaming", 202, False, None,
        lambda b, x: x.connection.start_media_streaming()),
    Row("stop_media_streaming", "POST", f"{CC}:stopMediaStreaming", 202, False, None,
        lambda b, x: streamed(x).stop_media_streaming()),
    Row("start_transcription", "POST", f"{CC}:startTranscription", 202, False, None,
        lambda b, x: x.connection.start_transcription(locale="en-US")),
    Row("stop_transcription", "POST", f"{CC}:stopTranscription", 202, False, None,
        lambda b, x: transcribed(x).stop_transcription()),
    Row("update_transcription", "POST", f"{CC}:updateTranscription", 202, False, None,
        lambda b, x: transcribed(x).update_transcription(locale="de-DE")),
    Row("start_recording", "POST", "/calling/recordings", 200, True, RECORDING, lambda b, x: started(x)),
    Row("get_recording_properties", "GET", "/calling/recordings/{id}", 200, False, RECORDING,
        lambda b, x: x.client.get_recording_properties(started(x))),
    Row("stop_recording", "DELETE", "/calling/recordings/{id}", 204, False, None,
        lambda b, x: x.client.stop_recording(started(x))),
    Row("pause_recording", "POST", "/calling/recordings/{id}:pause", 202, False, None,
        lambda b, x: x.client.pause_recording(started(x))),
    Row("resume_recording", "POST", "/calling/recordings/{id}:resume", 202, False, None,
        lambda b, x: x.client.resume_recording(paused(x))),
    Row("download_recording", "GET", "/v1/objects/{id}/content/audio", 200, False, None,
        lambda b, x: fetched(x, f"{document(b, x)}/content/audio")),
    Row("delete_recording", "DELETE", "/v1/objects/{id}", 200, False, None,
        lambda b, x: x.client.delete_recording(document(b, x))),
]  # fmt: skip


def paused(line: Line) -> str:
    recording_id = started(line)
    line.client.pause_recording(recording_id)
    return recording_id


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.sdk} {row.method} {row.path}")
def test_each_operation_has_its_exact_answer(bench: Any, row: Row) -> None:
    transcription = TranscriptionOptions(
        transport_url=f"{bench.portal_url.replace('http', 'ws')}/media/words",
        transport_type="websocket",
        locale="en-US",
        start_transcription=False,
    )
    line = answered(
        bench, speaks=True, media_streaming=bench.streaming(start_media_streaming=False), transcription=transcription
    )
    row.act(bench, line)
    request = line.wire.last
    assert request.method == row.method
    assert re.fullmatch(re.escape(row.path).replace(r"\{id\}", "[^/:]+"), request.path)
    assert request.status == row.status
    assert ("repeatability-request-id" in request.headers) == row.is_repeatable
    if row.keys is None:
        assert request.body == b""
    else:
        assert row.keys <= set(json.loads(request.body))


def test_every_method_of_the_sdk_has_a_row() -> None:
    methods = {
        name
        for client in (CallAutomationClient, CallConnectionClient)
        for name, member in vars(client).items()
        if not name.startswith("_") and callable(member)
    }
    assert methods - NOT_OPERATIONS == {row.sdk for row in ROWS}


def test_every_operation_of_the_emulator_has_a_row() -> None:
    known = {f"{row.method} {row.path.removeprefix('/calling/')}" for row in ROWS if row.path.startswith("/calling/")}
    assert {operation.replace("{rawId}", quote(CALLER_ID, safe="")) for operation in OPERATIONS} == known
