"""Azure's part for tests of the portal: a small real server for REST, OpenID and keys, and its words to our doors."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import connections
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from calls.background import drain
from calls.models import Call
from calls.tokens import call_token
from tests.calls.forger import AUDIENCE, HEADER, ISSUER, token
from tests.calls.loopback import Loopback, Reply, Seen
from tests.calls.test_keys import jwk

ACCESS_KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
CALLER = "+14255550123"
CALLEE = "+18005550100"
PREFIX = "Microsoft.Communication."
RECORDINGS = "/calling/recordings"


@dataclass(frozen=True)
class Asked:
    """One order that the portal sent to Azure; `verb` as in the address (answer, create, terminate …), or look_up."""

    verb: str
    connection_id: str
    body: dict[str, Any]

    @property
    def context(self) -> str:
        return str(self.body.get("operationContext", ""))


@dataclass
class AzureStandIn:
    """`replies` overrules the answer to a verb; `in_flight` runs while the portal waits for its answer."""

    server: Loopback
    asked: list[Asked] = field(default_factory=list)
    replies: dict[str, Callable[[Asked], Reply]] = field(default_factory=dict)
    in_flight: Callable[[Asked], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.answer = self._answer

    def settings(self) -> dict[str, str]:
        return {
            "ACS_ENDPOINT": self.server.url,
            "ACS_ACCESS_KEY": ACCESS_KEY,
            "ACS_OIDC_URL": f"{self.server.url}/oidc",
            "ACS_ISSUER": ISSUER,
            "ACS_RESOURCE_ID": AUDIENCE,
            "ACS_TOKEN_CHECK": "enforce",
        }

    def verbs(self) -> list[str]:
        return [each.verb for each in self.asked]

    def _answer(self, seen: Seen) -> Reply:
        path = seen.path.partition("?")[0]
        if path == "/oidc":
            return Reply.of({"issuer": ISSUER, "jwks_uri": f"{self.server.url}/keys"})
        if path == "/keys":
            return Reply.of({"keys": [jwk("one")]})
        where, _, verb = path.removeprefix("/calling/callConnections").partition(":")
        body = json.loads(seen.body) if seen.body else {}
        connection_id = where.strip("/")
        if verb in {"", "answer"} and not connection_id:
            connection_id = str(uuid4())
        asked = Asked("look_up" if seen.method == "GET" else verb or "create", connection_id, body)
        if path.startswith(RECORDINGS):
            asked = _of_recording(seen.method, path, body)
        with self._lock:
            self.asked.append(asked)
        if self.in_flight is not None:
            try:
                self.in_flight(asked)
            finally:
                connections.close_all()  # those of this server's thread
        return self.replies.get(asked.verb, _accepted)(asked)


def _of_recording(method: str, path: str, body: dict[str, Any]) -> Asked:
    """`connection_id` is the recording's own id here."""
    recording_id, _, verb = path.removeprefix(RECORDINGS).strip("/").partition(":")
    words = {"POST": "start_recording", "GET": "look_up_recording", "DELETE": "stop_recording"}
    return Asked(f"{verb}_recording" if verb else words[method], recording_id or f"recording-{uuid4()}", body)


def _accepted(asked: Asked) -> Reply:
    """Section 6.2 of the protocol page: the one status that the SDK takes for each verb."""
    if asked.verb in {"start_recording", "look_up_recording"}:
        state = "inactive" if asked.body.get("pauseOnStart") else "active"
        return Reply.of({"recordingId": asked.connection_id, "recordingState": state})
    if asked.verb == "stop_recording":
        return Reply(204)
    if asked.verb in {"create", "answer", "look_up"}:
        properties = {
            "callConnectionId": asked.connection_id,
            "serverCallId": "c2VydmVyLWNhbGw",
            "callConnectionState": "connecting",
            "correlationId": f"correlation-{asked.connection_id[:8]}",
        }
        return Reply.of(properties, 201 if asked.verb == "create" else 200)
    return Reply(204) if asked.verb in {"reject", "redirect", "terminate"} else Reply(202)


def refusal(status: int, code: str, message: str = "No.") -> Callable[[Asked], Reply]:
    return lambda _asked: Reply.of({"error": {"code": code, "message": message}}, status)


def bearer(**claims: Any) -> str:
    """A good Authorization header as of now; `claims` overrule its own."""
    return "Bearer " + token(
        HEADER, {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300, "jti": str(uuid4())} | claims
    )


def text_of(moment: datetime) -> str:
    """Azure's way to write a time: seven digits behind the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"


def incoming(
    caller: str = CALLER, callee: str = CALLEE, *, at: datetime | None = None, event_id: str = "", **members: Any
) -> dict[str, Any]:
    """An IncomingCall in Event Grid's own schema; `members` overrule those of `data`."""
    about = {
        "to": {"kind": "phoneNumber", "rawId": f"4:{callee}", "phoneNumber": {"value": callee}},
        "from": {"kind": "phoneNumber", "rawId": f"4:{caller}", "phoneNumber": {"value": caller}},
        "serverCallId": f"server-{uuid4()}",
        "callerDisplayName": "",
        "incomingCallContext": f"context-{uuid4()}",
        "correlationId": str(uuid4()),
    }
    return {
        "id": event_id or str(uuid4()),
        "topic": "/subscriptions/x/resourcegroups/x/providers/microsoft.communication/communicationservices/x",
        "subject": f"/caller/4:{caller}/recipient/4:{callee}",
        "eventType": f"{PREFIX}IncomingCall",
        "eventTime": text_of(at or datetime.now(UTC)),
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "data": about | members,
    }


def call_ended(server_call_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "subject": f"call/{server_call_id}",
        "eventType": f"{PREFIX}CallEnded",
        "eventTime": text_of(datetime.now(UTC)),
        "data": {"serverCallId": server_call_id, "durationOfCall": 1.5},
    }


def callback(
    event_type: str,
    connection_id: str,
    *,
    event_id: str = "",
    at: datetime | None = None,
    code: int = 200,
    subcode: int = 0,
    message: str = "",
    context: str = "",
    **members: Any,
) -> dict[str, Any]:
    """One CloudEvent of Call Automation, as section 5.1 of the protocol page has it."""
    about: dict[str, Any] = {
        "resultInformation": {"code": code, "subCode": subcode, "message": message},
        "version": "2026-03-12",
        "callConnectionId": connection_id,
        "serverCallId": "c2VydmVyLWNhbGw",
        "correlationId": "correlation",
        "publicEventType": PREFIX + event_type,
    }
    if context:
        about["operationContext"] = context
    source = f"calling/callConnections/{connection_id}"
    return {
        "id": event_id or str(uuid4()),
        "source": source,
        "type": PREFIX + event_type,
        "data": about | members,
        "time": text_of(at or datetime.now(UTC)),
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "subject": source,
    }


def roll(connection_id: str, number: int, *raw_ids: str, **fields: Any) -> dict[str, Any]:
    """A ParticipantsUpdated that lists these raw ids."""
    people = [{"identifier": {"rawId": each}, "isMuted": False, "isOnHold": False} for each in raw_ids]
    return callback("ParticipantsUpdated", connection_id, participants=people, sequenceNumber=number, **fields)


def recording_state(call: Call, recording_id: str, state: str, **fields: Any) -> dict[str, Any]:
    """A RecordingStateChanged, whose source is the recording (protocol page, section 5)."""
    event = callback(
        "RecordingStateChanged",
        call.call_connection_id or "",
        recordingId=recording_id,
        state=state,
        recordingKind="azureCommunicationServices",
        **fields,
    )
    place = f"calling/recordings/{call.server_call_id}/{recording_id}/RecordingStateChanged"
    return {**event, "source": place, "subject": place}


def file_ready(call: Call, recording_id: str, document_id: str = "0-eus-d1-document") -> dict[str, Any]:
    """Event Grid's RecordingFileStatusUpdated for a file of 12.5 s."""
    place = f"https://us-storage.asm.skype.com/v1/objects/{document_id}"
    chunk = {
        "documentId": document_id,
        "index": 0,
        "endReason": "SessionEnded",
        "contentLocation": f"{place}/content/audio",
        "metadataLocation": f"{place}/content/acsmetadata",
        "deleteLocation": place,
    }
    return {
        "id": str(uuid4()),
        "topic": "/subscriptions/x/resourcegroups/x/providers/microsoft.communication/communicationservices/x",
        "subject": f"/recording/call/{uuid4()}/serverCallId/{call.server_call_id}/recordingId/{recording_id}",
        "eventType": f"{PREFIX}RecordingFileStatusUpdated",
        "eventTime": text_of(datetime.now(UTC)),
        "dataVersion": "1.0",
        "data": {
            "recordingStorageInfo": {"recordingChunks": [chunk]},
            "recordingStartTime": "2026-11-20T10:00:00.000Z",
            "recordingDurationMs": 12_500,
            "sessionEndReason": "SessionEnded",
        },
    }


class Doors:
    """Azure's POST doors of the portal, from Azure's side."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=False)

    def grid(self, *events: Any, secret: str = "grid-secret", **headers: str) -> HttpResponseBase:
        if secret:
            headers["X-Event-Grid-Secret"] = secret
        return self.client.post(
            reverse("grid_events"), json.dumps(events), content_type="application/json; charset=utf-8", headers=headers
        )

    def ring(self, caller: str = CALLER, callee: str = CALLEE, **fields: Any) -> Call:
        """A call rings; what the portal does about it at once is done when this returns."""
        event = incoming(caller, callee, **fields)
        assert self.grid(event).status_code == 200
        assert drain(20)
        return Call.objects.get(server_call_id=event["data"]["serverCallId"])

    def tell(self, call: Call, *events: dict[str, Any], authorization: str | None = "") -> HttpResponseBase:
        """Callbacks on a call's own address; None sends no Authorization at all."""
        headers = {} if authorization is None else {"Authorization": authorization or bearer()}
        return self.client.post(
            reverse("callbacks", args=[call_token(call.pk, "callbacks")]),
            json.dumps(events),
            content_type="application/json",
            headers=headers,
        )

    def connect(self, call: Call) -> Call:
        """Azure says that the call is connected, with the context of its answer or placing."""
        call.refresh_from_db()
        command = call.commands.filter(verb__in=("answer", "place")).latest("created_at")
        event = callback("CallConnected", call.call_connection_id or "", context=str(command.pk))
        assert self.tell(call, event).status_code == 200
        call.refresh_from_db()
        return call
