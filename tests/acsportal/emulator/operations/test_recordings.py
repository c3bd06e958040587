"""Recordings: states, the file with its sound, and what Event Grid and the portal are told."""

import base64
import io
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from azure.communication.callautomation import FileSource
from azure.core.exceptions import ResourceNotFoundError

from tests.acsportal.emulator.operations.asking import (
    AGENT,
    AGENT_ID,
    CALLER_ID,
    FILE_HOST,
    Line,
    answered,
    pitch_hz,
    refused,
    samples_of,
)
from tests.acsportal.emulator.operations.conftest import wav

Shelve = Callable[[str, bytes], str]
FILE_EVENT = "Microsoft.Communication.RecordingFileStatusUpdated"


def file_event(bench: Any) -> dict[str, Any]:
    def find() -> Any:
        bodies = [body[0] for _, body in list(bench.portal.events)]
        return next((event for event in bodies if event["eventType"] == FILE_EVENT), None)

    event: dict[str, Any] = bench.until(find)
    return event


def places(bench: Any) -> dict[str, str]:
    """The addresses of the only recording, at Azure's own host."""
    (chunk,) = file_event(bench)["data"]["recordingStorageInfo"]["recordingChunks"]
    return {name: str(value).replace(bench.url, f"https://{FILE_HOST}") for name, value in chunk.items()}


def fetched(bench: Any, line: Line, **span: int) -> bytes:
    return b"".join(line.client.download_recording(places(bench)["contentLocation"], **span).iter_bytes())


def sounding(line: Line, url: str) -> None:
    count = line.types().count("PlayCompleted")
    line.connection.play_media(FileSource(url))
    line.told("PlayCompleted", count + 1)


def test_a_recording_has_the_sound_of_the_call(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    started = line.client.start_recording(
        call_connection_id=line.cc, recording_state_callback_url=f"{bench.portal_url}/acs/callbacks/recording"
    )
    assert (started.recording_state, started.recording_kind) == ("active", "azureCommunicationServices")
    assert json.loads(base64.b64decode(started.recording_id))["PlatformEndpointId"] == line.cc
    line.connection.remove_participant(AGENT)
    sounding(line, shelve("tone.wav", wav(1.0, hz=1500)))
    line.client.stop_recording(started.recording_id)
    pcm, rate_hz = samples_of(fetched(bench, line))
    assert rate_hz == 16000
    assert pitch_hz(pcm[-16000:].astype(np.float64), rate_hz) == pytest.approx(1500, abs=20)
    event = file_event(bench)
    assert event["subject"] == (
        f"/recording/call/{line.cc}/serverCallId/{event['subject'].split('/')[5]}/recordingId/{started.recording_id}"
    )
    assert event["data"]["recordingDurationMs"] == pytest.approx(1000 * len(pcm) / rate_hz, abs=2)
    assert event["data"]["sessionEndReason"] == "SessionStopped"


def test_the_portal_is_told_of_each_state(bench: Any) -> None:
    line = answered(bench)
    recording_id = str(
        line.client.start_recording(
            server_call_id=line.connection.get_call_properties().server_call_id,
            recording_state_callback_url=f"{bench.portal_url}/acs/callbacks/recording",
            pause_on_start=True,
        ).recording_id
    )
    assert line.client.get_recording_properties(recording_id).recording_state == "inactive"
    line.told("RecordingStateChanged")
    line.client.resume_recording(recording_id)
    assert line.client.get_recording_properties(recording_id).recording_state == "active"
    line.told("RecordingStateChanged", 2)
    line.client.pause_recording(recording_id)
    line.told("RecordingStateChanged", 3)
    states = [line.told("RecordingStateChanged", count)["state"] for count in (1, 2, 3)]
    assert states == ["inactive", "active", "inactive"]
    path, event = next(
        (path, event) for _, path, event in bench.portal.callbacks if event["type"].endswith("RecordingStateChanged")
    )
    assert path == "/acs/callbacks/recording"
    place = f"calling/recordings/{event['data']['serverCallId']}/{recording_id}/RecordingStateChanged"
    assert event["source"] == event["subject"] == event["data"]["eventSource"] == place
    assert event["data"]["recordingId"] == recording_id


def test_what_was_paused_is_not_in_the_file(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    url = shelve("tone.wav", wav(0.5, hz=3000))
    recording_id = str(line.client.start_recording(call_connection_id=line.cc).recording_id)
    line.client.pause_recording(recording_id)
    sounding(line, url)
    assert refused(lambda: line.client.pause_recording(recording_id)) == (400, "8585")
    line.client.stop_recording(recording_id)
    pcm, rate_hz = samples_of(fetched(bench, line))
    assert len(pcm) / rate_hz < 0.4


def test_unmixed_has_a_channel_for_each_in_the_order_asked_for(bench: Any, shelve: Shelve) -> None:
    line = answered(bench)
    recording = line.client.start_recording(
        call_connection_id=line.cc,
        recording_channel_type="unmixed",
        recording_format_type="wav",
        recording_content_type="audio",
        audio_channel_participant_ordering=[AGENT],
    )
    bench.until(lambda: line.row["participants"])
    sounding(line, shelve("tone.wav", wav(2.0)))
    line.client.stop_recording(str(recording.recording_id))
    pcm, rate_hz = samples_of(fetched(bench, line))
    assert pcm.shape[1] == 3
    agent, caller, portal = pcm.T
    assert np.abs(agent[rate_hz:]).max() > 2000 > np.abs(caller[: 2 * rate_hz]).max()
    assert pitch_hz(portal.astype(np.float64), rate_hz) == pytest.approx(440, abs=5)
    metadata = json.loads(b"".join(line.client.download_recording(places(bench)["metadataLocation"]).iter_bytes()))
    own = next(raw_id for raw_id in line.everybody() if raw_id not in (AGENT_ID, CALLER_ID))
    assert [one["participantId"] for one in metadata["participants"]] == [AGENT_ID, CALLER_ID, own]


def test_files_are_for_those_who_have_the_key(bench: Any) -> None:
    line = answered(bench)
    line.client.stop_recording(str(line.client.start_recording(call_connection_id=line.cc).recording_id))
    place = places(bench)["contentLocation"].replace(f"https://{FILE_HOST}", bench.url)
    assert requests.get(place, timeout=5).status_code == 401


def test_who_is_muted_is_not_recorded_from_then_on(bench: Any) -> None:
    line = answered(bench)
    order = {"recording_channel_type": "unmixed", "audio_channel_participant_ordering": [AGENT]}
    recording = line.client.start_recording(call_connection_id=line.cc, **order)
    connected_s = time.monotonic()
    bench.until(lambda: time.monotonic() > connected_s + 1.5)
    line.connection.mute_participant(AGENT)
    bench.until(lambda: time.monotonic() > connected_s + 2.5)
    line.client.stop_recording(str(recording.recording_id))
    pcm, rate_hz = samples_of(fetched(bench, line))
    agent = np.abs(pcm[:, 0])
    assert agent[: round(1.4 * rate_hz)].max() > 2000
    assert agent[-round(0.8 * rate_hz) :].max() == 0


def test_a_part_of_the_file_is_fetched(bench: Any) -> None:
    line = answered(bench)
    line.client.stop_recording(str(line.client.start_recording(call_connection_id=line.cc).recording_id))
    whole = fetched(bench, line)
    assert fetched(bench, line, offset=8, length=4) == whole[8:12] == b"WAVE"
    assert line.wire.last.status == 206


def test_mp3_is_mp3(bench: Any) -> None:
    line = answered(bench)
    recording = line.client.start_recording(
        call_connection_id=line.cc, recording_format_type="mp3", recording_content_type="audio"
    )
    bench.until(lambda: line.row["participants"])
    line.client.stop_recording(str(recording.recording_id))
    assert soundfile.info(io.BytesIO(fetched(bench, line))).format == "MP3"


def test_a_deleted_recording_is_gone(bench: Any) -> None:
    line = answered(bench)
    line.client.stop_recording(str(line.client.start_recording(call_connection_id=line.cc).recording_id))
    line.client.delete_recording(places(bench)["deleteLocation"])
    with pytest.raises(ResourceNotFoundError) as refusal:
        fetched(bench, line)
    response: Any = refusal.value.response
    response.close()


def test_a_recording_ends_with_its_call(bench: Any) -> None:
    line = answered(bench)
    recording_id = str(
        line.client.start_recording(
            call_connection_id=line.cc, recording_state_callback_url=f"{bench.portal_url}/acs/callbacks/recording"
        ).recording_id
    )
    line.connection.hang_up(True)
    assert file_event(bench)["data"]["sessionEndReason"] == "CallEnded"
    assert line.told("RecordingStateChanged", 2)["state"] in ("active", "inactive")
    assert refused(lambda: line.client.get_recording_properties(recording_id)) == (404, "8522")


def test_orders_about_recordings_that_make_no_sense_are_refused(bench: Any) -> None:
    line = answered(bench)
    client = line.client
    for order in ("get_recording_properties", "stop_recording", "pause_recording", "resume_recording"):
        assert refused(partial(getattr(client, order), "nothing")) == (404, "8522")
    recording_id = str(client.start_recording(call_connection_id=line.cc).recording_id)
    assert refused(lambda: client.resume_recording(recording_id)) == (400, "8585")
    assert refused(lambda: client.start_recording(server_call_id="c2NpZA")) == (404, "8522")
    assert refused(lambda: client.start_recording(room_id="1")) == (400, "8523")
    video = {"recording_content_type": "audioVideo", "recording_format_type": "mp4"}
    assert refused(lambda: client.start_recording(call_connection_id=line.cc, **video)) == (405, "8520")
    unmixed = {"recording_channel_type": "unmixed", "recording_format_type": "mp3"}
    assert refused(lambda: client.start_recording(call_connection_id=line.cc, **unmixed)) == (400, "8523")
