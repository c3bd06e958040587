"""What the tests of operations share: the SDK's client on a wire that is watched, and who is on the line."""

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from azure.communication.callautomation import (
    CallAutomationClient,
    CommunicationUserIdentifier,
    PhoneNumberIdentifier,
)
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport

CALLER = PhoneNumberIdentifier("+14255550123")
CALLER_ID = "4:+14255550123"
AGENT_ID = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
AGENT = CommunicationUserIdentifier(AGENT_ID)
GUEST = PhoneNumberIdentifier("+14255550188")
GUEST_ID = "4:+14255550188"
NOBODY = PhoneNumberIdentifier("+14255559999")
NEVER = PhoneNumberIdentifier("+14255550000")
ENGAGED = PhoneNumberIdentifier("+14255550001")
OWN_NUMBER = PhoneNumberIdentifier("+14255550199")
SERVICE = "https://speech.example.com"
FILE_HOST = "emulator.asm.skype.com"


@dataclass
class Exchanged:
    """One request and its answer, as they crossed the wire."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    body: bytes


@dataclass
class Wire:
    """Requests in their order. Azure's own host of recordings is found at the emulator, as a name server would say."""

    emulator: str
    seen: list[Exchanged] = field(default_factory=list)

    def transport(self) -> Any:
        return _Watched(self)

    @property
    def last(self) -> Exchanged:
        return self.seen[-1]


class _Watched(RequestsTransport):  # type: ignore[misc]
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def send(self, request: Any, **options: Any) -> Any:
        url = request.url
        request.url = url.replace(f"https://{FILE_HOST}", self._wire.emulator)
        response = super().send(request, **options)
        body = b"" if options.get("stream") else response.internal_response.content
        place = urlsplit(url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._wire.seen.append(Exchanged(request.method, place.path, headers, response.status_code, body))
        return response


@dataclass
class Line:
    """A connected call under the SDK's eyes. ``id`` is the emulator's, ``cc`` Azure's."""

    bench: Any
    id: str
    cc: str
    wire: Wire
    client: Any

    @property
    def connection(self) -> Any:
        return self.client.get_call_connection(self.cc)

    @property
    def row(self) -> Any:
        return self.bench.look(self.id)

    def told(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The data of that many events of the kind, of the last of them; waits for it."""
        found = self.bench.until(lambda: self._events(kind) if len(self._events(kind)) >= count else None)
        data: dict[str, Any] = found[count - 1]
        return data

    def result(self, kind: str, count: int = 1) -> tuple[int, int]:
        result = self.told(kind, count)["resultInformation"]
        return result["code"], result["subCode"]

    def types(self) -> list[str]:
        return [
            event["type"].rpartition(".")[2]
            for _, _, event in list(self.bench.portal.callbacks)
            if event["data"]["callConnectionId"] == self.cc
        ]

    def people(self) -> dict[str, tuple[bool, bool]]:
        """By raw id: muted, on hold; without the portal's own leg."""
        return {
            raw_id: state for raw_id, state in self.everybody().items() if raw_id in (CALLER_ID, AGENT_ID, GUEST_ID)
        }

    def everybody(self) -> dict[str, tuple[bool, bool]]:
        listed = self.connection.list_participants()
        return {one.identifier.raw_id: (bool(one.is_muted), bool(one.is_on_hold)) for one in listed}

    def press(self, tones: str, **more: str) -> None:
        self.bench.order(f"calls/{self.id}/dtmf", {"tones": tones, **more})

    def heard(self, raw_id: str = "") -> Any:
        """int16 samples in call time, and their rate."""
        query = {"raw_id": raw_id} if raw_id else {}
        answer = requests.get(f"{self.bench.url}/emulator/calls/{self.id}/heard.wav", params=query, timeout=5)
        return samples_of(answer.content)

    def loudness(self, raw_id: str = "") -> float:
        pcm, _ = self.heard(raw_id)
        return float(np.abs(pcm).max()) if len(pcm) else 0.0

    def _events(self, kind: str) -> list[dict[str, Any]]:
        return [
            event["data"]
            for _, _, event in list(self.bench.portal.callbacks)
            if event["type"].endswith(f".{kind}") and event["data"]["callConnectionId"] == self.cc
        ]


def samples_of(content: bytes) -> tuple[Any, int]:
    with wave.open(io.BytesIO(content)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return pcm.reshape(-1, file.getnchannels()).squeeze(), file.getframerate()


def watched(bench: Any) -> tuple[Any, Wire]:
    wire = Wire(bench.url)
    credential = AzureKeyCredential(bench.options.access_key)
    client = CallAutomationClient(bench.url, credential, retry_total=0, transport=wire.transport())
    return bench.keep(client), wire


def taken(bench: Any, call_id: str, **options: Any) -> Line:
    """Answer the call that rings; wait until Azure said that it is connected."""
    client, wire = watched(bench)
    properties = client.answer_call(bench.context(), bench.callback_url, **options)
    line = Line(bench, call_id, properties.call_connection_id or "", wire, client)
    bench.until(lambda: {"CallConnected", "ParticipantsUpdated"} <= set(line.types()))
    return line


def answered(bench: Any, speaks: bool = False, **options: Any) -> Line:
    """A connected call of the support scenario: a caller and an agent talk. ``speaks``: with an AI service."""
    service = {"cognitive_services_endpoint": SERVICE} if speaks else {}
    return taken(bench, bench.ring(scenario="support"), **service, **options)


def alone(bench: Any, **options: Any) -> Line:
    """A connected call with one other person, whose words nobody knows."""
    recording = {"audio": ("hello.wav", _hum(), "audio/wav")}
    count = len(bench.portal.incoming)
    answer = requests.post(f"{bench.url}/emulator/calls", files=recording, timeout=5)
    bench.until(lambda: len(bench.portal.incoming) > count)
    return taken(bench, answer.json()["id"], cognitive_services_endpoint=SERVICE, **options)


def refused(order: Callable[[], Any]) -> tuple[int | None, str]:
    """Status and code of the error that the SDK raises."""
    with pytest.raises(HttpResponseError) as refusal:
        order()
    assert refusal.value.error is not None
    return refusal.value.status_code, str(refusal.value.error.code)


def sounded(pcm: Any) -> Any:
    """From the first sample that is not silence to the last."""
    loud = np.flatnonzero(pcm)
    return pcm[loud[0] : loud[-1] + 1]


def pitch_hz(pcm: Any, rate_hz: int) -> float:
    """The loudest frequency."""
    spectrum = np.abs(np.fft.rfft(pcm))
    return float(np.fft.rfftfreq(len(pcm), 1 / rate_hz)[int(spectrum.argmax())])


def _hum() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(np.full(16000, 500, dtype="<i2").tobytes())
    return file.getvalue()
