import base64
import io
import json
import math
import struct
import time
from datetime import datetime
from itertools import pairwise
from typing import Any

import jwt
import numpy as np
import pytest
import requests
import soundfile

CALLER = "4:+14255550123"
AGENT = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
STOP = json.dumps({"Kind": "StopAudio", "AudioData": None, "StopAudio": {}})


def audio(pcm: bytes) -> str:
    content = base64.b64encode(pcm).decode()
    return json.dumps({"Kind": "AudioData", "AudioData": {"Data": content}, "StopAudio": None})


def tone(hz: float, seconds: float, rate_hz: int) -> bytes:
    return b"".join(
        struct.pack("<h", round(8000 * math.sin(2 * math.pi * hz * i / rate_hz))) for i in range(int(seconds * rate_hz))
    )


def streaming_call(
    bench: Any, channels: str = "unmixed", rate_hz: int = 16000, scenario: str = "support", **more: Any
) -> tuple[str, Any]:
    count = len(bench.portal.sockets)
    call_id = bench.answered(bench.streaming(channels, rate_hz, **more), scenario=scenario)
    bench.until(lambda: len(bench.portal.sockets) > count)
    socket = bench.until(lambda: bench.portal.sockets and bench.portal.sockets[-1])
    bench.until(lambda: socket.of_kind("AudioData"))
    return call_id, socket


def send(bench: Any, socket: Any, text: str) -> None:
    bench.run(socket.web_socket.send_str(text))


def heard(bench: Any, call_id: str) -> tuple[Any, int]:
    content = requests.get(f"{bench.url}/emulator/calls/{call_id}/heard.wav", timeout=5).content
    wave, rate_hz = soundfile.read(io.BytesIO(content))
    return wave, rate_hz


def pitch_hz(wave: Any, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(wave, 1 << 19))
    return float(np.argmax(spectrum) * rate_hz / (1 << 19))


def test_the_socket_says_whose_it_is(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    call = bench.look(call_id)
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{bench.url}/calling/keys", timeout=5).json())
    token = socket.headers["Authorization"].removeprefix("Bearer ")
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=bench.options.resource_id)
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert socket.headers["x-ms-call-connection-id"] == call["call_connection_id"]
    assert socket.headers["x-ms-call-correlation-id"] == call["correlation_id"]


@pytest.mark.parametrize(("rate_hz", "size"), [(16000, 640), (24000, 960)])
def test_metadata_comes_first_and_frames_have_their_rate(bench: Any, rate_hz: int, size: int) -> None:
    call_id, socket = streaming_call(bench, "unmixed", rate_hz)
    first = socket.messages[0]
    subscription = bench.client().get_call_connection(bench.look(call_id)["call_connection_id"]).get_call_properties()
    assert first == {
        "kind": "AudioMetadata",
        "audioMetadata": {
            "subscriptionId": subscription.media_streaming_subscription.id,
            "encoding": "PCM",
            "sampleRate": rate_hz,
            "channels": 1,
            "length": size,
        },
    }
    frame = socket.of_kind("AudioData")[0]["audioData"]
    assert len(base64.b64decode(frame["data"])) == size
    assert frame["silent"] is False


def test_unmixed_frames_come_fifty_times_a_second_for_each_speaker(bench: Any) -> None:
    _, socket = streaming_call(bench)
    first_s = socket.texts[1][0]
    bench.until(lambda: socket.texts[-1][0] > first_s + 1.2)
    frames = [json.loads(text)["audioData"] for at_s, text in socket.texts[1:] if at_s < first_s + 1.0]
    for speaker in (CALLER, AGENT):
        assert 48 <= sum(frame["participantRawID"] == speaker for frame in frames) <= 52
    stamps = [frame["timestamp"] for frame in frames if frame["participantRawID"] == CALLER]
    assert {int(b[-4:-1]) - int(a[-4:-1]) for a, b in pairwise(stamps)} <= {20, -980}


def test_mixed_frames_are_one_stream_without_participants(bench: Any) -> None:
    _, socket = streaming_call(bench, "mixed", 24000, scenario="sales")
    bench.until(lambda: len(socket.texts) > 20)
    frames = [message["audioData"] for message in socket.of_kind("AudioData")]
    assert all("participantRawID" not in frame for frame in frames)
    assert len({frame["timestamp"] for frame in frames}) == len(frames)


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_injected_audio_is_heard_at_its_pitch_and_in_call_time(bench: Any, rate_hz: int) -> None:
    call_id, socket = streaming_call(bench, "unmixed", rate_hz)
    send(bench, socket, audio(tone(440, 0.5, rate_hz)))
    bench.until(lambda: bench.look(call_id)["streaming"]["frames_received"] == 1)
    assert bench.look(call_id)["streaming"]["max_queued_ms"] == 500
    bench.until(lambda: bench.look(call_id)["streaming"]["queued_ms"] == 0)
    wave, heard_hz = heard(bench, call_id)
    loud = np.flatnonzero(np.abs(wave) > 0.01)
    assert heard_hz == rate_hz
    assert (loud[-1] - loud[0]) / rate_hz == pytest.approx(0.5, abs=0.01)
    assert pitch_hz(wave, rate_hz) == pytest.approx(440, abs=1)
    assert loud[0] / rate_hz > 0.02


def test_stop_audio_silences_what_is_queued_at_once(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    send(bench, socket, audio(tone(440, 5, 16000)))
    bench.until(lambda: bench.look(call_id)["streaming"]["queued_ms"] > 0)
    send(bench, socket, STOP)
    send(bench, socket, audio(tone(880, 0.02, 16000)))
    bench.until(lambda: bench.look(call_id)["streaming"]["stop_audio"] == 1)
    row = bench.until(lambda: (row := bench.look(call_id)["streaming"])["frames_received"] == 2 and row)
    assert row["queued_ms"] <= 20
    assert row["frames_after_stop"] == 1
    wave, _ = heard(bench, call_id)
    assert np.count_nonzero(np.abs(wave) > 0.01) < 16000


def test_a_one_way_stream_ignores_what_it_is_sent(bench: Any) -> None:
    call_id, socket = streaming_call(bench, enable_bidirectional=False)
    send(bench, socket, audio(tone(440, 0.1, 16000)))
    bench.until(lambda: bench.look(call_id)["streaming"]["frames_received"] == 1)
    wave, _ = heard(bench, call_id)
    assert not wave.any()


def test_garbage_from_the_portal_is_ignored(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    for text in ("", "{", '{"kind":"Ping"}'):
        send(bench, socket, text)
    bench.until(lambda: bench.look(call_id)["streaming"]["frames_ignored"] == 3)
    assert bench.look(call_id)["streaming"]["state"] == "streaming"


def test_keys_arrive_only_if_asked_for(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    bench.order(f"calls/{call_id}/dtmf", {"tones": "12#"})
    bench.until(lambda: len(socket.of_kind("DtmfData")) == 3)
    assert [message["dtmfData"]["data"] for message in socket.of_kind("DtmfData")] == ["1", "2", "#"]
    call_id, deaf = streaming_call(bench, enable_dtmf_tones=False)
    bench.order(f"calls/{call_id}/dtmf", {"tones": "1"})
    count = len(deaf.texts)
    bench.until(lambda: len(deaf.texts) > count + 20)
    assert not deaf.of_kind("DtmfData")


def test_stopping_closes_the_socket_normally(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    bench.client().get_call_connection(bench.look(call_id)["call_connection_id"]).stop_media_streaming()
    bench.until(lambda: socket.is_closed)
    assert socket.close_code == 1000
    bench.until(lambda: "MediaStreamingStopped" in bench.portal.types())
    assert bench.look(call_id)["state"] == "connected"


def failure(bench: Any) -> tuple[Any, Any]:
    bench.until(lambda: "MediaStreamingFailed" in bench.portal.types())
    failed = bench.portal.callback("MediaStreamingFailed")["data"]
    result = failed["resultInformation"]
    return (result["code"], result["subCode"]), failed["mediaStreamingUpdate"]["mediaStreamingStatusDetails"]


def test_a_socket_refused_at_the_start_fails_and_the_call_goes_on(bench: Any) -> None:
    bench.portal.refuses_sockets = True
    call_id = bench.answered(bench.streaming())
    assert failure(bench) == ((500, 8603), "initialWebSocketConnectionFailed")
    assert bench.look(call_id)["state"] == "connected"
    assert bench.look(call_id)["streaming"]["state"] == "failed"


def test_a_socket_refused_later_is_unsuccessful_and_can_be_tried_again(bench: Any) -> None:
    bench.portal.refuses_sockets = True
    call_id = bench.answered(bench.streaming(start_media_streaming=False))
    connection = bench.client().get_call_connection(bench.look(call_id)["call_connection_id"])
    connection.start_media_streaming()
    assert failure(bench) == ((500, 8603), "streamConnectionUnsuccessful")
    bench.portal.refuses_sockets = False
    connection.start_media_streaming()
    bench.until(lambda: "MediaStreamingStarted" in bench.portal.types())


def test_a_dropped_socket_is_dialled_again_with_a_new_token(bench: Any) -> None:
    call_id, first = streaming_call(bench)
    bench.until(lambda: "MediaStreamingStarted" in bench.portal.types())
    bench.order("faults", {"fault": "drop_socket", "call": call_id})
    second = bench.until(lambda: len(bench.portal.sockets) == 2 and bench.portal.sockets[1])
    assert first.close_code == 1006
    assert first.headers["Authorization"] != second.headers["Authorization"]
    bench.until(lambda: bench.portal.types().count("MediaStreamingStarted") == 2)
    update = bench.portal.callbacks[-1][2]["data"]["mediaStreamingUpdate"]
    assert update["mediaStreamingStatusDetails"] == "streamConnectionReestablished"
    assert bench.look(call_id)["streaming"]["socket_connects"] == 2
    bench.until(lambda: second.of_kind("AudioData"))
    assert second.messages[0]["kind"] == "AudioMetadata"


def test_a_socket_that_breaks_again_at_once_is_given_up(bench: Any) -> None:
    call_id, _ = streaming_call(bench)
    bench.order("faults", {"fault": "drop_socket", "call": call_id})
    bench.order("faults", {"fault": "drop_socket", "call": call_id})
    assert failure(bench) == ((500, 8603), "streamConnectionInterrupted")
    assert len(bench.portal.sockets) == 2
    assert bench.look(call_id)["state"] == "connected"


def test_a_socket_the_portal_closes_leaves_the_call_up(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    bench.run(socket.web_socket.close())
    bench.until(lambda: len(bench.portal.sockets) == 2)
    assert bench.look(call_id)["state"] == "connected"


def test_frames_go_on_in_call_time_after_a_second_socket(bench: Any) -> None:
    call_id, first = streaming_call(bench)
    started_s = time.monotonic()
    bench.order("faults", {"fault": "drop_socket", "call": call_id})
    second = bench.until(lambda: len(bench.portal.sockets) == 2 and bench.portal.sockets[1])
    frame = bench.until(lambda: second.of_kind("AudioData"))[0]["audioData"]
    gap_ms = int(frame["timestamp"][-4:-1]) - int(first.of_kind("AudioData")[-1]["audioData"]["timestamp"][-4:-1])
    assert 80 <= gap_ms % 1000 <= 1000 * (time.monotonic() - started_s) + 40


def test_a_half_open_socket_is_silent_both_ways_until_it_breaks(bench: Any) -> None:
    call_id, first = streaming_call(bench)
    bench.order("faults", {"fault": "half_open_socket", "call": call_id, "duration_s": 1.0})
    time.sleep(0.2)
    count = len(first.texts)
    pong = bench.run(first.web_socket.ping())
    time.sleep(0.5)
    assert pong is None
    assert len(first.texts) == count
    assert not first.is_closed
    assert bench.look(call_id)["streaming"]["socket_connects"] == 1
    second = bench.until(lambda: len(bench.portal.sockets) == 2 and bench.portal.sockets[1])
    assert first.close_code == 1006
    bench.until(lambda: second.of_kind("AudioData"))


def test_a_call_ends_although_its_socket_is_half_open(bench: Any) -> None:
    call_id, first = streaming_call(bench)
    bench.order("faults", {"fault": "half_open_socket", "call": call_id})
    bench.order(f"calls/{call_id}/hang-up", {})
    bench.until(lambda: bench.look(call_id)["state"] == "ended")
    bench.until(lambda: first.is_closed)
    assert first.close_code == 1006


def test_a_socket_may_be_half_open_from_the_start(bench: Any) -> None:
    bench.order("faults", {"fault": "half_open_socket", "duration_s": 0.3})
    bench.answered(bench.streaming())
    first = bench.until(lambda: bench.portal.sockets and bench.portal.sockets[0])
    bench.until(lambda: len(bench.portal.sockets) == 2)
    assert first.of_kind("AudioData") == []


def test_late_frames_are_all_there_in_the_end(bench: Any) -> None:
    call_id, socket = streaming_call(bench, "mixed")
    bench.until(lambda: len(socket.of_kind("AudioData")) > 5)
    bench.order("faults", {"fault": "late_frames", "call": call_id, "ms": 300, "duration_s": 0.6})
    arrived = bench.until(lambda: len(socket.texts) > 80 and [at_s for at_s, _ in list(socket.texts)[1:]])
    assert 0.25 < max(after_s - before_s for before_s, after_s in pairwise(arrived)) < 0.5
    stamps = [frame["audioData"]["timestamp"] for frame in socket.of_kind("AudioData")]
    steps = {round((at(later) - at(earlier)) * 1000) for earlier, later in pairwise(stamps)}
    assert steps == {20}


def test_lost_frames_leave_a_hole_in_the_timestamps_and_are_counted(bench: Any) -> None:
    call_id, socket = streaming_call(bench, "mixed")
    bench.until(lambda: len(socket.of_kind("AudioData")) > 5)
    bench.order("faults", {"fault": "lose_frames", "call": call_id, "share": 1, "duration_s": 0.3})
    time.sleep(0.5)
    lost = bench.look(call_id)["streaming"]["frames_lost"]
    assert 10 <= lost <= 17
    stamps = [frame["audioData"]["timestamp"] for frame in socket.of_kind("AudioData")]
    holes = [round((at(later) - at(earlier)) * 1000) for earlier, later in pairwise(stamps)]
    assert max(holes) == 20 * (lost + 1)


def test_faults_of_frames_can_be_armed_before_the_socket_opens(bench: Any) -> None:
    bench.order("faults", {"fault": "wrong_length", "of": "metadata", "bytes": 960})
    bench.order("faults", {"fault": "unknown_kind", "count": 2})
    bench.order("faults", {"fault": "silent_absent"})
    bench.order("faults", {"fault": "participant_null", "duration_s": 60})
    _, socket = streaming_call(bench)
    bench.until(lambda: len(socket.messages) > 10)
    assert socket.messages[0]["audioMetadata"]["length"] == 960
    assert len(socket.of_kind("MarkData")) == 2
    frame = socket.of_kind("AudioData")[0]["audioData"]
    assert frame["participantRawID"] is None
    assert "silent" not in frame


def test_a_refused_stream_says_so_and_can_be_started_again(bench: Any) -> None:
    bench.order("faults", {"fault": "stream_refused", "subcode": "8581"})
    call_id = bench.answered(bench.streaming())
    assert failure(bench) == ((400, 8581), "initialWebSocketConnectionFailed")
    assert bench.portal.sockets == []
    bench.client().get_call_connection(bench.look(call_id)["call_connection_id"]).start_media_streaming()
    bench.until(lambda: "MediaStreamingStarted" in bench.portal.types())


def test_a_socket_may_knock_without_a_token(bench: Any) -> None:
    bench.order("faults", {"fault": "no_token", "where": "socket"})
    _, socket = streaming_call(bench)
    assert "Authorization" not in socket.headers
    assert socket.headers["x-ms-call-connection-id"]
    assert all("Authorization" in headers for headers, _, _ in bench.portal.callbacks)


def at(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
