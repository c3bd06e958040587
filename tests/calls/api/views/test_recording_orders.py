import pytest
from django.utils import timezone

from calls.models import AzureRecording, Call, Take
from tests.calls.api.door import Door
from tests.calls.loopback import Loopback
from tests.calls.scene import ended_call, live_call

pytestmark = pytest.mark.django_db


def recorded(state: str = "recording") -> Call:
    call = live_call(recording_state=state)
    Take.objects.create(call=call, number=1, owner="web-1", asked_by="ana", sample_rate_hz=16_000, state=state)
    return call


@pytest.mark.parametrize(
    ("step", "state"), [("start", "off"), ("stop", "recording"), ("pause", "recording"), ("resume", "paused")]
)
def test_each_step_of_the_recording_answers_with_a_command_to_follow(integrator: Door, step: str, state: str) -> None:
    call = live_call() if state == "off" else recorded(state)
    answer = integrator.post(f"calls/{call.pk}/recording/{step}/")
    assert answer.status == 202
    assert (answer.json["verb"], answer.json["state"]) == (f"{step}_recording", "queued")
    assert integrator.get(answer.headers["Location"]).json["id"] == answer.json["id"]


@pytest.mark.parametrize("step", ["stop", "pause", "resume"])
def test_what_is_not_recorded_is_answered_with_409(integrator: Door, step: str) -> None:
    answer = integrator.post(f"calls/{live_call().pk}/recording/{step}/")
    assert (answer.status, answer.error["code"]) == (409, "wrong_state")


def test_nothing_of_a_call_that_is_over_can_be_steered(integrator: Door) -> None:
    call = ended_call()
    for path in ("recording/start", "sensitive/begin", "azure-recording/start"):
        answer = integrator.post(f"calls/{call.pk}/{path}/")
        assert (answer.status, answer.error["message"]) == (409, "The call has ended.")


def test_a_sensitive_pause_begins_for_so_many_seconds_and_ends(integrator: Door) -> None:
    call = live_call()
    answer = integrator.post(f"calls/{call.pk}/sensitive/begin/", {"seconds": 60})
    assert (answer.status, answer.json["verb"]) == (202, "begin_sensitive")
    told = integrator.get(f"calls/{call.pk}/").json["sensitive"]
    assert told["by"].startswith("API key")
    assert told["until"] > timezone.now().isoformat()[:19]
    assert integrator.post(f"calls/{call.pk}/sensitive/end/").status == 202
    assert integrator.get(f"calls/{call.pk}/").json["sensitive"] is None
    assert integrator.post(f"calls/{call.pk}/sensitive/end/").status == 409


@pytest.mark.parametrize("body", [{"seconds": 4}, {"seconds": 3_601}, {"seconds": "long"}, {"minutes": 2}])
def test_a_length_that_cannot_be_is_named(integrator: Door, body: dict[str, object]) -> None:
    call = live_call()
    answer = integrator.post(f"calls/{call.pk}/sensitive/begin/", body)
    assert answer.status == 400
    assert set(answer.error["fields"]) == set(body)
    assert not Call.objects.get(pk=call.pk).is_sensitive


def test_azures_recording_is_started_paused_resumed_and_stopped(integrator: Door, azure: Loopback) -> None:
    call = live_call()
    started = integrator.post(f"calls/{call.pk}/azure-recording/start/", {"channel": "unmixed", "format": "wav"})
    assert (started.status, started.json["verb"]) == (202, "start_azure_recording")
    for step in ("pause", "resume", "stop"):
        AzureRecording.objects.update(state="active" if step == "pause" else "inactive")
        assert integrator.post(f"calls/{call.pk}/azure-recording/{step}/").status == 202
    asked = [(seen.method, seen.path.partition("?")[0].removeprefix("/calling/recordings")) for seen in azure.seen]
    assert asked == [
        ("POST", ""),
        ("POST", "/recording-1:pause"),
        ("POST", "/recording-1:resume"),
        ("DELETE", "/recording-1"),
    ]
    [told] = integrator.get(f"calls/{call.pk}/azure-recordings/").json["results"]
    assert (told["state"], told["channel"], told["format"], told["files"]) == ("stopped", "unmixed", "wav", [])


@pytest.mark.parametrize(
    ("body", "field"), [({"channel": "stereo"}, "channel"), ({"channel": "unmixed", "format": "mp3"}, "format")]
)
def test_what_azure_cannot_make_is_named(integrator: Door, body: dict[str, str], field: str) -> None:
    answer = integrator.post(f"calls/{live_call().pk}/azure-recording/start/", body)
    assert answer.status == 400
    assert field in answer.error["fields"]


def test_where_azures_files_are_stays_with_the_portal(integrator: Door) -> None:
    call = live_call()
    file = {
        "document_id": "0-eus-d1",
        "index": 0,
        "started_at": "2026-11-20T10:00:00Z",
        "duration_s": 12.5,
        "end_reason": "SessionEnded",
        "content_location": "https://us-storage.asm.skype.com/secret",
    }
    AzureRecording.objects.create(call=call, azure_id="abc", state="ready", asked_by="ana", files=[file])
    [told] = integrator.get(f"calls/{call.pk}/azure-recordings/").json["results"]
    assert told["files"] == [{name: value for name, value in file.items() if name != "content_location"}]
