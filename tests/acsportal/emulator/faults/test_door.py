from typing import Any

import requests

from acsportal.emulator.faults import AVAILABLE


def test_faults_are_listed_armed_and_used(bench: Any) -> None:
    call_id = bench.ring()
    armed = bench.order("faults", {"fault": "drop_socket", "call": call_id, "after_s": 0.5})
    assert (armed["fault"], armed["call"], armed["after_s"], armed["state"]) == ("drop_socket", call_id, 0.5, "armed")
    listed = requests.get(f"{bench.url}/emulator/faults", timeout=5).json()
    assert listed == {"available": AVAILABLE, "armed": [armed], "used": []}
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming())
    used = bench.until(lambda: requests.get(f"{bench.url}/emulator/faults", timeout=5).json()["used"])
    assert (used[0]["id"], used[0]["state"], used[0]["calls"]) == (armed["id"], "used", [call_id])


def test_what_is_armed_can_be_disarmed(bench: Any) -> None:
    armed = bench.order("faults", {"fault": "throttle"})
    answer = requests.delete(f"{bench.url}/emulator/faults", timeout=5).json()
    assert [fault["id"] for fault in answer["disarmed"]] == [armed["id"]]
    assert requests.get(f"{bench.url}/emulator/faults", timeout=5).json()["armed"] == []


def refusal(bench: Any, **more: Any) -> tuple[int, str]:
    answer = requests.post(f"{bench.url}/emulator/faults", timeout=5, **more)
    assert answer.json()["error"]["code"] == "invalid"
    return answer.status_code, answer.json()["error"]["message"]


def test_what_cannot_be_armed_is_refused_with_a_remedy(bench: Any) -> None:
    status, words = refusal(bench, json={"fault": "earthquake"})
    assert (status, "drop_socket" in words) == (400, True)
    assert refusal(bench, json={"fault": "drop_socket", "call": "x"}) == (
        400,
        "There is no call “x”. GET /emulator/calls lists those there are.",
    )
    assert "It takes call, after_s." in refusal(bench, json={"fault": "drop_socket", "count": 1})[1]
    assert refusal(bench, data=b"{")[1] == "The body is not JSON."
    assert refusal(bench, json=[])[1] == "The body must be a JSON object."
