"""A witness nobody here wrote: Azure's own JavaScript client drives the emulator, and reads what we say on sockets."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from azure.communication.callautomation import TranscriptionOptions

from acsportal.emulator.media import wire
from calls.events import CallbackEvent, parse_callbacks
from streaming.protocol import STOP_AUDIO, AudioData, DtmfData, decode, encode_audio
from tests.acsportal.emulator.conftest import QUICK, Bench

HERE = Path(__file__).parent
INSTALL_S, TASK_S = 60, 60
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")
# Events that Azure's recordings or other clients have, and this one's parser does not know.
STRANGE_TO_IT = {"HoldAudioStarted", "HoldAudioCompleted", "TranscriptionResumed"}
PCM = bytes(range(256)) * 2 + bytes(128)

Task = Callable[[str, Any], Any]


@pytest.fixture(scope="session")
def witness(lacks: Callable[[str], NoReturn]) -> Task:
    """Runs one task of witness.js with the client exactly as the lock file has it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("this machine lacks Node.js and npm, by which Azure's own JavaScript client would be asked")
    _install(npm, lacks)

    def run(task: str, order: Any) -> Any:
        done = subprocess.run(
            [node, "witness.js", task], cwd=HERE, input=json.dumps(order), capture_output=True, text=True,
            timeout=TASK_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def _install(npm: str, lacks: Callable[[str], NoReturn]) -> None:
    """Every package is checked against the lock file's hash; where it comes from is the machine's affair."""
    have, want = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if have.exists() and have.stat().st_mtime >= want.stat().st_mtime:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip("the npm registry does not answer, so Azure's own JavaScript client cannot be asked")
    if done.returncode:
        lacks(f"a registry with the packages of tests/witness: {done.stderr.strip()[-400:]}")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(timing=replace(QUICK, ring_s=30.0))
    yield bench
    bench.close()


def driven(bench: Bench, witness: Task, sound_url: str = "http://127.0.0.1:9/none.wav") -> Any:
    """The whole round of operations, with three calls that ring for it."""
    contexts = []
    for _ in range(3):
        bench.ring(scenario="support")
        contexts.append(bench.context())
    sockets = bench.portal_url.replace("http", "ws")
    order = {
        "url": bench.url,
        "key": bench.options.access_key,
        "context": contexts[0],
        "rejected": contexts[1],
        "redirected": contexts[2],
        "callbackUrl": bench.callback_url,
        "mediaUrl": f"{sockets}/media/sound",
        "wordsUrl": f"{sockets}/media/words",
        "soundUrl": sound_url,
    }
    return witness("drive", order)


def test_azures_javascript_client_drives_the_emulator(bench: Bench, witness: Task) -> None:
    steps = driven(bench, witness)["steps"]
    assert steps == [
        "answer", "open sockets", "people", "media", "record", "close sockets", "hang up", "turn away",
        "place, transfer, join",
    ]  # fmt: skip
    bench.until(lambda: bench.portal.types().count("CallDisconnected") == 3)
    told = set(bench.portal.types())
    assert {
        "AddParticipantSucceeded", "RemoveParticipantSucceeded", "CancelAddParticipantSucceeded",
        "MediaStreamingStarted", "MediaStreamingStopped", "TranscriptionStarted", "TranscriptionUpdated",
        "TranscriptionStopped", "ContinuousDtmfRecognitionStopped", "RecordingStateChanged", "CallTransferAccepted",
        "RecognizeCanceled",
    } <= told  # fmt: skip


def test_its_event_parser_reads_our_callbacks_as_the_portal_does(bench: Bench, witness: Task) -> None:
    driven(bench, witness)
    bench.until(lambda: bench.portal.types().count("CallDisconnected") == 3)
    events = [event for _, _, event in bench.portal.callbacks]
    known = [event for event in events if event["type"].rpartition(".")[2] not in STRANGE_TO_IT]
    read = witness("read", {"messages": [], "callbacks": known})["callbacks"]
    for event, theirs in zip(known, read, strict=True):
        (ours,) = parse_callbacks(json.dumps([event]).encode())
        assert isinstance(ours, CallbackEvent)
        assert theirs["kind"] == ours.type
        assert theirs["callConnectionId"] == ours.call_connection_id
        assert theirs.get("operationContext", "") == ours.operation_context
        result = theirs["resultInformation"]
        assert (result["code"], result["subCode"]) == (ours.code, ours.subcode)
        if ours.participants is not None:
            muted = [bool(one["isMuted"]) for one in theirs["participants"]]
            assert muted == [one.muted for one in ours.participants]


def streamed(bench: Bench, channels: str) -> list[str]:
    """Raw messages of one media socket: metadata, a second of sound, two keys."""
    call_id = bench.answered(bench.streaming(channels))
    bench.until(lambda: bench.look(call_id)["streaming"]["state"] == "streaming")
    bench.order(f"calls/{call_id}/dtmf", {"tones": "8#"})
    socket = bench.portal.sockets[-1]
    bench.until(lambda: len(socket.of_kind("AudioData")) > 100 and len(socket.of_kind("DtmfData")) == 2)
    return [text for _, text in list(socket.texts)]


@pytest.mark.parametrize("channels", ["mixed", "unmixed"])
def test_its_streaming_parser_reads_what_the_emulator_sends(bench: Bench, witness: Task, channels: str) -> None:
    texts = streamed(bench, channels)
    read = witness("read", {"messages": texts, "callbacks": []})
    for text, theirs, binary in zip(texts, read["messages"], read["binary"], strict=True):
        assert {name: value for name, value in theirs.items() if name != "as"} == binary
        ours = decode(text)
        if isinstance(ours, AudioData):
            assert theirs["as"] == "AudioData"
            assert base64.b64decode(theirs["data"]) == ours.pcm
            assert theirs["isSilent"] == ours.silent
            assert ("participant" in theirs) == (channels == "unmixed") == (ours.raw_id is not None)
        elif isinstance(ours, DtmfData):
            assert (theirs["as"], theirs["data"]) == ("DtmfData", ours.tone)
        else:
            assert theirs["as"] == "AudioMetadata"
            assert (theirs["encoding"], theirs["sampleRate"], theirs["channels"]) == ("PCM", 16000, 1)
    assert read["messages"][0]["as"] == "AudioMetadata"
    if channels == "unmixed":
        who = [one["participant"] for one in read["messages"] if "participant" in one]
        assert {one.get("phoneNumber") for one in who} == {"+14255550123", None}


def test_its_streaming_parser_reads_the_emulators_transcripts(bench: Bench, witness: Task) -> None:
    bench.ring(scenario="support")
    client = bench.client()
    options = TranscriptionOptions(
        transport_url=f"{bench.portal_url.replace('http', 'ws')}/media/words",
        transport_type="websocket",
        locale="en-US",
        start_transcription=True,
    )
    client.answer_call(
        bench.context(), bench.callback_url, transcription=options, cognitive_services_endpoint="https://s.example"
    )
    bench.until(lambda: bench.portal.sockets and bench.portal.sockets[0].of_kind("TranscriptionData"), 20)
    texts = [text for _, text in list(bench.portal.sockets[0].texts)]
    metadata, spoken = witness("read", {"messages": texts[:2], "callbacks": []})["messages"]
    sent = json.loads(texts[1])["transcriptionData"]
    assert (metadata["as"], metadata["locale"]) == ("TranscriptionMetadata", "en-us")
    assert (spoken["as"], spoken["text"], spoken["resultState"]) == ("TranscriptionData", sent["text"], "Final")
    assert spoken["offsetInTicks"] == sent["offset"]
    assert [word["text"] for word in spoken["words"]] == [word["text"] for word in sent["words"]]


def test_what_the_portal_sends_says_the_same_as_what_the_javascript_client_sends(witness: Task) -> None:
    theirs = witness("write", {"audio": base64.b64encode(PCM).decode()})
    for ours, other in ((encode_audio(PCM), theirs["audio"]), (STOP_AUDIO, theirs["stop"])):
        mine, its = _plain(ours), _plain(other)
        assert mine["kind"].lower() == its["kind"].lower()
        assert (mine.get("audiodata") or {}).get("data") == (its.get("audiodata") or {}).get("data")
        assert wire.read(ours) == wire.read(other)
    assert wire.read(theirs["audio"]) == wire.Audio(PCM)
    assert wire.read(theirs["stop"]) == wire.StopAudio()


def _plain(text: str) -> dict[str, Any]:
    """With the names of members in lower case, as Azure reads them."""

    def lowered(value: Any) -> Any:
        if isinstance(value, dict):
            return {name.lower(): lowered(member) for name, member in value.items()}
        return value

    found: dict[str, Any] = lowered(json.loads(text))
    return found
