import time
from datetime import UTC, datetime
from typing import Any

import pytest

from calls.live import CallLive, Level, bundle, hub
from calls.models import Call, Command
from calls.recognisers import POCKETSPHINX
from tests.calls.api.door import Door
from tests.calls.loopback import Loopback, Reply
from tests.calls.scene import ended_call, live_call

pytestmark = pytest.mark.django_db

LEVEL: Level = {"rms_dbfs": -23.0, "peak_dbfs": -12.5, "dc": 0.001, "speaking": True, "clipping": False}


def ringing_call() -> Call:
    return Call.objects.create(
        direction="inbound",
        state="ringing",
        caller="+14255550123",
        callee="+18005550100",
        incoming_call_context="context",
        ringing_at=datetime.now(UTC),
    )


def last_order(azure: Loopback) -> tuple[str, str]:
    seen = azure.seen[-1]
    return seen.method, seen.path.partition("?")[0].removeprefix("/calling/callConnections")


def test_a_call_tells_all_of_itself(integrator: Door) -> None:
    call = live_call(server_call_id="server-1", correlation_id="correlation-1")
    answer = integrator.get(f"calls/{call.pk}/")
    assert answer.status == 200
    told = answer.json
    assert told["id"] == str(call.pk)
    assert (told["direction"], told["state"]) == ("inbound", "connected")
    assert (told["caller"], told["callee"]) == ("+14255550123", "+18005550100")
    assert told["streaming"] == {
        "state": "streaming",
        "sample_rate_hz": 16000,
        "channel_type": "unmixed",
        "bidirectional": True,
        "dtmf": True,
        "start": "later",
        "error": "",
    }
    assert [each["raw_id"] for each in told["participants"]] == ["4:+14255550123"]
    assert told["acs"] == {
        "call_connection_id": "connection-+14255550123",
        "server_call_id": "server-1",
        "correlation_id": "correlation-1",
        "own_raw_id": "",
    }
    assert told["levels"] == {}
    assert told["end"] is None
    assert 240 < told["duration_s"] < 260
    assert told["may"]["hang_up"] == ""


def test_an_ended_call_tells_how_it_ended(integrator: Door) -> None:
    told = integrator.get(f"calls/{ended_call().pk}/").json
    assert told["state"] == "ended"
    assert told["end"] == {"code": 200, "subcode": 0, "message": "", "text": "The caller hung up."}
    assert told["duration_s"] == 247.0
    assert told["ended_at"] == "2026-11-20T10:21:10.000Z"


def test_the_levels_of_this_moment_are_in_the_call_and_in_the_list(integrator: Door) -> None:
    call, other = live_call(), live_call("+14255550199")
    levels = {"4:+14255550123": LEVEL}
    said: CallLive = {"levels": levels, "health": None, "playing": None}
    hub.take(dict(bundle("web-1", {str(call.pk): said})))
    assert integrator.get(f"calls/{call.pk}/").json["levels"] == levels
    listed = {row["id"]: row["levels"] for row in integrator.get("calls/").json["results"]}
    assert listed == {str(call.pk): levels, str(other.pk): {}}


def test_the_list_asks_no_more_of_the_database_for_more_calls(
    integrator: Door, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        live_call(f"+1425555{number:04}")
    integrator.get("calls/")
    with django_assert_max_num_queries(4):  # the key, the calls, their participants, their tags
        assert len(integrator.get("calls/").json["results"]) == 12


def test_a_call_is_placed_with_its_streaming_profile(integrator: Door, azure: Loopback) -> None:
    profile = {
        "channel_type": "mixed",
        "sample_rate_hz": 24000,
        "bidirectional": False,
        "dtmf": False,
        "start": "later",
    }
    answer = integrator.post("calls/", {"callee": "+1 425 555 0123", "caller": "+18005550100", "streaming": profile})
    assert answer.status == 201
    assert answer.headers["Location"] == f"/api/v1/calls/{answer.json['id']}/"
    assert answer.json["state"] == "ringing"
    assert answer.json["direction"] == "outbound"
    assert answer.json["callee"] == "+14255550123"
    assert answer.json["streaming"] == {**profile, "state": "off", "error": ""}
    assert answer.json["acs"]["call_connection_id"]
    assert last_order(azure) == ("POST", "")
    sent = azure.seen[-1].json
    assert sent["targets"][0]["phoneNumber"]["value"] == "+14255550123"
    assert sent["mediaStreamingOptions"]["audioFormat"] == "pcm24KMono"
    assert sent["mediaStreamingOptions"]["startMediaStreaming"] is False
    assert sent["operationContext"] == str(Command.objects.get().pk)


def test_a_call_is_placed_with_what_is_to_be_kept_of_it(integrator: Door, azure: Loopback) -> None:
    transcript = {"recogniser": POCKETSPHINX, "phrases": ["cancel my order"]}
    body = {"callee": "+14255550123", "recording": {"start": "now", "keep_days": 30}, "transcript": transcript}
    answer = integrator.post("calls/", body)
    assert answer.status == 201
    assert (answer.json["recording"]["start"], answer.json["recording"]["keep_days"]) == ("now", 30)
    assert (answer.json["transcript"]["source"], answer.json["transcript"]["language"]) == ("pocketsphinx", "en-US")
    assert Call.objects.get().phrase_list == ["cancel my order"]


def test_a_placed_call_is_kept_as_the_settings_say(integrator: Door, azure: Loopback, settings: Any) -> None:
    settings.SPEECH_RECOGNISER_DEFAULT, settings.RECORDING_START_DEFAULT = POCKETSPHINX, "now"
    placed = integrator.post("calls/", {"callee": "+14255550123", "transcript": {"language": "en-GB"}}).json
    assert placed["recording"]["start"] == "now"
    assert (placed["transcript"]["recogniser"], placed["transcript"]["language"]) == (POCKETSPHINX, "en-GB")
    unkept = {"recording": {"start": "later"}, "transcript": {"recogniser": ""}}
    placed = integrator.post("calls/", {"callee": "+14255550124", **unkept}).json
    assert (placed["recording"]["start"], placed["transcript"]["recogniser"]) == ("later", "")


@pytest.mark.parametrize(
    ("kept", "field"),
    [
        ({"transcript": {"recogniser": "os.system"}}, "recogniser"),
        ({"transcript": {"language": "x"}}, "language"),
        ({"transcript": {"sound": True}}, "transcript"),
        ({"recording": {"keep_days": -1}}, "recording"),
    ],
)
def test_a_call_that_cannot_be_kept_so_is_not_placed(
    integrator: Door, azure: Loopback, kept: dict[str, Any], field: str
) -> None:
    refused = integrator.post("calls/", {"callee": "+14255550123", **kept})
    assert refused.status == 400
    assert any(name.startswith(field) for name in refused.error["fields"]), refused.error
    assert not Call.objects.exists()


def test_a_call_is_placed_with_defaults(integrator: Door, azure: Loopback) -> None:
    answer = integrator.post("calls/", {"callee": "+14255550123", "streaming": None})
    assert answer.status == 201
    assert answer.json["caller"] == "+18005550100"
    assert answer.json["streaming"]["channel_type"] == "unmixed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"callee": "the boss"}, "callee"),
        ({"callee": "+14255550123", "caller": "me"}, "caller"),
        ({"callee": "8:acs:" + "x" * 150}, "callee"),
    ],
)
def test_a_call_that_cannot_be_dialled_is_refused_before_azure_is_asked(
    integrator: Door, azure: Loopback, body: dict[str, str], field: str
) -> None:
    answer = integrator.post("calls/", body)
    assert answer.status == 400
    assert field in answer.error["fields"]
    assert not azure.seen
    assert not Call.objects.exists()


@pytest.mark.parametrize(("verb", "order"), [("answer", ":answer"), ("reject", ":reject")])
def test_a_ringing_call_is_answered_or_rejected(integrator: Door, azure: Loopback, verb: str, order: str) -> None:
    call = ringing_call()
    answer = integrator.post(f"calls/{call.pk}/{verb}/")
    assert answer.status == 202
    assert (answer.json["verb"], answer.json["call"], answer.json["error"]) == (verb, str(call.pk), None)
    assert answer.json["state"] == {"answer": "accepted", "reject": "done"}[verb]
    assert last_order(azure) == ("POST", order)


@pytest.mark.parametrize(
    ("path", "verb", "order"),
    [
        ("hang-up", "hang_up", ":terminate"),
        ("streaming/start", "start_streaming", ":startMediaStreaming"),
        ("streaming/stop", "stop_streaming", ":stopMediaStreaming"),
    ],
)
def test_a_connected_call_is_steered(integrator: Door, azure: Loopback, path: str, verb: str, order: str) -> None:
    call = live_call(streams=path != "streaming/start")
    answer = integrator.post(f"calls/{call.pk}/{path}/")
    assert (answer.status, answer.json["verb"], answer.json["state"]) == (202, verb, "accepted")
    assert last_order(azure)[1].endswith(order)


def test_what_azure_refuses_is_502_in_plain_words_and_a_failed_command(integrator: Door, azure: Loopback) -> None:
    azure.answer = lambda _seen: Reply.of({"error": {"code": "8523", "message": "Wrong state."}}, 400)
    call = live_call(streams=False)
    answer = integrator.post(f"calls/{call.pk}/streaming/start/")
    assert (answer.status, answer.error["code"]) == (502, "azure_refused")
    command = integrator.get(f"calls/{call.pk}/commands/").json["results"][0]
    assert (command["state"], command["error"]) == (
        "failed",
        {"code": "azure_refused", "message": answer.error["message"]},
    )


def test_a_portal_without_azure_says_so(integrator: Door, settings: Any) -> None:
    settings.ACS_ENDPOINT = settings.ACS_ACCESS_KEY = ""
    answer = integrator.post("calls/", {"callee": "+14255550123", "caller": "+18005550100"})
    assert (answer.status, answer.error["code"]) == (503, "azure_not_configured")


def test_an_order_returns_within_10_s_although_azure_hangs(integrator: Door, azure: Loopback) -> None:
    azure.answer = lambda _seen: azure.hang()
    started = time.monotonic()
    answer = integrator.post(f"calls/{live_call().pk}/hang-up/")
    assert time.monotonic() - started < 10
    assert (answer.status, answer.error["code"]) == (503, "azure_timeout")
    assert "may still be carried out" in answer.error["message"]


def test_a_ringing_call_is_rejected_with_a_reason(integrator: Door, azure: Loopback) -> None:
    answer = integrator.post(f"calls/{ringing_call().pk}/reject/", {"reason": "forbidden"})
    assert (answer.status, answer.json["verb"], answer.json["state"]) == (202, "reject", "done")
    assert b'"forbidden"' in azure.seen[-1].body
    unknown = integrator.post(f"calls/{ringing_call().pk}/reject/", {"reason": "ugly"})
    assert (unknown.status, set(unknown.error["fields"])) == (400, {"reason"})


def test_a_ringing_call_is_redirected(integrator: Door, azure: Loopback) -> None:
    call = ringing_call()
    answer = integrator.post(f"calls/{call.pk}/redirect/", {"target": "+1 (425) 555-0188"})
    assert (answer.status, answer.json["verb"], answer.json["state"]) == (202, "redirect", "done")
    assert last_order(azure) == ("POST", ":redirect")
    assert integrator.get(f"calls/{call.pk}/").json["state"] == "ended"
    for body in ({}, {"target": ""}, {"target": "the boss"}):
        refused = integrator.post(f"calls/{ringing_call().pk}/redirect/", body)
        assert (refused.status, set(refused.error["fields"])) == (400, {"target"})
