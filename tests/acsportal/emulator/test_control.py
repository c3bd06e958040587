import io
import json
from typing import Any

import numpy as np
import pytest
import requests
import soundfile

CALLER = "4:+14255550123"


def wav(seconds: float = 0.2, rate_hz: int = 8000, level: float = 0.5, channels: int = 1) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full((round(seconds * rate_hz), channels), level), rate_hz, format="WAV")
    return file.getvalue()


def refusal(bench: Any, path: str, **more: Any) -> tuple[int, str, str]:
    answer = requests.post(f"{bench.url}/emulator/{path}", timeout=5, **more)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def speaking(socket: Any) -> set[str]:
    """The raw ids of those whose frames are not silent."""
    frames = [message["audioData"] for message in socket.of_kind("AudioData")]
    return {frame["participantRawID"] for frame in frames if not frame["silent"]}


def test_ringing_answers_with_id_and_state_at_once(bench: Any) -> None:
    order = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}
    answer = requests.post(f"{bench.url}/emulator/calls", json=order, timeout=5)
    assert answer.status_code == 201
    assert answer.json()["state"] == "ringing"
    call = bench.look(answer.json()["id"])
    assert (call["caller"], call["callee"], call["scenario"]) == ("+14255550123", "+18005550100", "support")


def test_ringing_with_nothing_said_rings_the_support_scenario(bench: Any) -> None:
    assert bench.look(bench.ring())["scenario"] == "support"


def test_a_call_is_shown_with_all_that_the_surface_names(bench: Any) -> None:
    call_id = bench.answered(bench.streaming())
    bench.until(lambda: bench.look(call_id)["streaming"]["frames_sent"])
    call = bench.look(call_id)
    assert call["state"] == "connected"
    assert call["call_connection_id"]
    assert call["correlation_id"] == bench.portal.incoming[0]["correlationId"]
    assert {
        "state",
        "socket_connects",
        "frames_sent",
        "frames_received",
        "stop_audio",
        "queued_ms",
        "max_queued_ms",
        "underruns",
    } <= set(call["streaming"])
    assert {tuple(sorted(delivery)) for delivery in call["callbacks"]} == {("at", "status", "type")}
    assert call["end"] is None
    rows = requests.get(f"{bench.url}/emulator/calls", timeout=5).json()["results"]
    assert [row["id"] for row in rows] == [call_id]


def test_uploaded_speakers_are_heard_each_on_their_own(bench: Any) -> None:
    parts = [
        ("audio", ("a.wav", wav(), "audio/wav")),
        ("audio", ("b.wav", wav(rate_hz=44100, channels=2), "audio/wav")),
    ]
    answer = requests.post(f"{bench.url}/emulator/calls", files=parts, data={"loop": "true"}, timeout=5)
    assert answer.status_code == 201
    bench.until(lambda: bench.portal.incoming)
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    bench.until(lambda: bench.portal.sockets and len(speaking(bench.portal.sockets[0])) == 2)
    bench.until(lambda: len(bench.portal.sockets[0].texts) > 60)
    assert CALLER in speaking(bench.portal.sockets[0])
    last = bench.portal.sockets[0].messages[-1]["audioData"]
    assert last["silent"] is False


def test_what_is_uploaded_once_is_over_and_then_silent(bench: Any) -> None:
    requests.post(f"{bench.url}/emulator/calls", files={"audio": ("a.wav", wav())}, timeout=5)
    bench.until(lambda: bench.portal.incoming)
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    bench.until(lambda: bench.portal.sockets and len(bench.portal.sockets[0].texts) > 30)
    assert bench.portal.sockets[0].messages[-1]["audioData"]["silent"] is True


def test_more_can_be_said_in_mid_call(bench: Any) -> None:
    requests.post(f"{bench.url}/emulator/calls", files={"audio": ("a.wav", wav(0.02))}, timeout=5)
    call_id = requests.get(f"{bench.url}/emulator/calls", timeout=5).json()["results"][0]["id"]
    bench.until(lambda: bench.portal.incoming)
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    socket = bench.until(lambda: bench.portal.sockets and bench.portal.sockets[0])
    bench.until(lambda: len(socket.texts) > 10)
    count = len(socket.texts)
    said = bench.order(f"calls/{call_id}/say", files={"audio": ("a.wav", wav(0.3))})
    assert said == {"speaker": CALLER, "duration_ms": 300}
    bench.until(lambda: any(not m["audioData"]["silent"] for m in socket.messages[count:]))
    bench.until(lambda: socket.messages[-1]["audioData"]["silent"])


def test_who_joins_is_announced_and_heard(bench: Any) -> None:
    call_id = bench.answered(bench.streaming())
    files = {"audio": ("a.wav", wav(0.2))}
    joined = bench.order(f"calls/{call_id}/participants", files=files, data={"number": "+4930123", "name": "Eva"})
    assert joined == {"raw_id": "4:+4930123", "kind": "phoneNumber", "name": "Eva"}
    bench.until(lambda: bench.portal.types().count("ParticipantsUpdated") == 2)
    first, second = [e["data"] for _, _, e in bench.portal.callbacks if e["type"].endswith("ParticipantsUpdated")]
    assert second["sequenceNumber"] > first["sequenceNumber"]
    assert second["participants"][-1]["identifier"]["rawId"] == "4:+4930123"
    bench.until(lambda: "4:+4930123" in speaking(bench.portal.sockets[0]))


def test_of_five_speakers_four_are_streamed(bench: Any) -> None:
    parts = [("audio", (f"{n}.wav", wav(1.0, level=0.1 * n))) for n in range(1, 6)]
    requests.post(f"{bench.url}/emulator/calls", files=parts, data={"loop": "true"}, timeout=5)
    bench.until(lambda: bench.portal.incoming)
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    bench.until(lambda: bench.portal.sockets and len(bench.portal.sockets[0].texts) > 40)
    frames = [message["audioData"] for message in bench.portal.sockets[0].of_kind("AudioData")]
    by_tick: dict[str, int] = {}
    for frame in frames[:40]:
        by_tick[frame["timestamp"]] = by_tick.get(frame["timestamp"], 0) + 1
    assert set(list(by_tick.values())[:-1]) == {4}
    assert CALLER not in speaking(bench.portal.sockets[0])


def test_what_cannot_be_understood_is_refused_in_words(bench: Any) -> None:
    assert refusal(bench, "calls", json={"scenario": "opera"})[:2] == (400, "invalid")
    assert "neither a number" in refusal(bench, "calls", json={"caller": "Nora"})[2]
    assert "must be a text" in refusal(bench, "calls", json={"caller": 7})[2]
    unread = refusal(bench, "calls", data=b"{", headers={"Content-Type": "application/json"})
    assert unread == (400, "invalid", "The body is neither JSON nor multipart/form-data.")
    assert refusal(bench, "calls", json=[])[0] == 400
    assert "cannot be read" in refusal(bench, "calls", files={"audio": ("a.wav", b"hello")})[2]
    call_id = bench.answered()
    assert "“tones”" in refusal(bench, f"calls/{call_id}/dtmf", json={"tones": "xyz"})[2]
    assert "audio" in refusal(bench, f"calls/{call_id}/say", json={})[2]
    again = refusal(bench, f"calls/{call_id}/participants", json={"number": "+14255550123"})
    assert "on the call already" in again[2]


def test_an_unknown_call_is_not_found(bench: Any) -> None:
    assert refusal(bench, "calls/nobody/hang-up")[:2] == (404, "not_found")


def test_keys_need_a_connected_call(bench: Any) -> None:
    call_id = bench.ring()
    assert refusal(bench, f"calls/{call_id}/dtmf", json={"tones": "1"})[:2] == (409, "wrong_state")


def test_nothing_is_heard_before_the_call_connects(bench: Any) -> None:
    answer = requests.get(f"{bench.url}/emulator/calls/{bench.ring()}/heard.wav", timeout=5)
    assert answer.status_code == 400


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_other_sites_pages_give_no_orders(bench: Any, headers: dict[str, str]) -> None:
    assert refusal(bench, "calls", json={}, headers=headers)[:2] == (403, "forbidden")


def test_the_page_is_served_with_its_own_style_and_script(bench: Any) -> None:
    page = requests.get(f"{bench.url}/", timeout=5)
    assert "Ring the portal" in page.text
    assert '<script type="module" src="/phone/phone.js">' in page.text
    for name in ("phone.css", "phone.js"):
        assert requests.get(f"{bench.url}/phone/{name}", timeout=5).status_code == 200
    scenarios = requests.get(f"{bench.url}/emulator/scenarios", timeout=5).json()["results"]
    assert [scenario["name"] for scenario in scenarios] == ["callee", "gives_up", "sales", "support"]


def test_rows_are_plain_json(bench: Any) -> None:
    bench.ring()
    content = requests.get(f"{bench.url}/emulator/calls", timeout=5).content
    assert json.loads(content)["results"][0]["ringing_at"].endswith("Z")
