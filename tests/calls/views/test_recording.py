"""The recording panel of a call's page, and the marks of what is kept on every page."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from calls.models import AzureRecording, Call, Recording, Take
from calls.services import Actor, begin_sensitive
from calls.services.state import note
from tests.calls.scene import ended_call, live_call, signed_in, staff

pytestmark = pytest.mark.django_db
ANA = Actor("user", "ana")


@pytest.fixture
def desk() -> Client:
    return signed_in(staff("record_call", "view_recording"))


def panel(desk: Client, call: Call) -> str:
    answer = desk.get(f"/calls/{call.pk}/recording/")
    assert answer.status_code == 200
    return answer.content.decode()


def take_of(call: Call, **fields: Any) -> Take:
    return Take.objects.create(
        **{"call": call, "number": 1, "owner": "web-1", "asked_by": "ana", "sample_rate_hz": 16_000, **fields}
    )


def test_a_call_that_is_not_recorded_offers_to(desk: Client) -> None:
    shown = panel(desk, live_call())
    assert ">Off<" in shown
    assert "Start recording" in shown
    assert 'data-verb="stop_recording"' not in shown
    assert "may miss sound that the portal plays" in shown


def test_a_recorded_call_shows_its_take_and_offers_to_pause_and_stop(desk: Client) -> None:
    call = live_call(recording_state="recording", recording_keep_days=30)
    take_of(call)
    shown = panel(desk, call)
    for words in ("Take 1", "Started by ana", "kept 30 days", 'data-verb="pause_recording"', "Stop recording"):
        assert words in shown
    Call.objects.update(recording_state="paused")
    Take.objects.update(state="paused")
    assert 'data-verb="resume_recording"' in panel(desk, call)


def test_without_the_right_to_record_nothing_can_be_ordered() -> None:
    shown = panel(signed_in(staff(name="eve")), live_call())
    assert "<form" not in shown


def test_a_page_without_a_script_gives_the_same_orders(desk: Client) -> None:
    call = live_call()
    page = desk.post(f"/calls/{call.pk}/do/start-recording/", follow=True).content.decode()
    assert "The recording is being started." in page
    assert call.takes.count() == 1
    page = desk.post(f"/calls/{call.pk}/do/begin-sensitive/", follow=True).content.decode()
    assert "Nothing is kept or passed on." in page
    assert "Go on now" in page


def test_what_was_recorded_can_be_heard_and_what_is_missing_is_said(desk: Client) -> None:
    call = ended_call()
    holes = [
        {"from_s": 2.0, "to_s": 32.5, "why": "sensitive"},
        {"from_s": 40.0, "to_s": 40.9, "why": "gap"},
        {"from_s": 41.0, "to_s": 42.0, "why": "gap"},
    ]
    take = take_of(call, state="complete", duration_s=402.0, holes=holes, recovered=True)
    track = Recording.objects.create(
        take=take, call=call, track="stereo", state="complete", sample_rate_hz=16_000, duration_s=402.0
    )
    shown = panel(desk, call)
    for words in ("Complete", "6:42", "30.5 s held back", "1.9 s lost on the way", "recovered"):
        assert words in shown
    assert f"/api/v1/recordings/{track.pk}/audio/?format=flac" in shown
    assert "FLAC" not in panel(signed_in(staff(name="eve")), call)


def test_a_fault_of_the_recording_stands_above_all(desk: Client, transactional_db: None) -> None:
    call = live_call()
    note(call, "RecordingTrouble", message="the disk is full. The call goes on.")
    assert "The disk is full." in panel(desk, call)


def test_azures_recordings_are_listed_beside_ours_and_labelled(desk: Client) -> None:
    call = ended_call()
    file = {"document_id": "0-eus-d1", "index": 0, "started_at": "", "duration_s": 12.5, "end_reason": "SessionEnded"}
    AzureRecording.objects.create(call=call, azure_id="abc", state="ready", asked_by="ana", files=[file])
    shown = panel(desk, call)
    for words in ("Made and kept by Azure", "Ready at Azure", "0-eus-d1", "0:12"):
        assert words in shown
    assert 'data-verb="start_azure_recording"' not in shown


@pytest.mark.parametrize("page", ["/", "/calls/", "/calls/{call}/"])
def test_every_page_marks_what_is_kept(desk: Client, page: str) -> None:
    call = live_call(recording_state="recording")
    address = page.format(call=call.pk)
    assert 'data-kept="recording" data-until=""' in desk.get(address).content.decode()
    begin_sensitive(ANA, call, 60)
    shown = desk.get(address).content.decode()
    until = Call.objects.get().sensitive_until
    assert until is not None
    assert until > timezone.now()
    assert f'data-until="{until.isoformat(timespec="milliseconds")[:19]}' in shown
    assert "Sensitive pause" in shown


def test_the_title_of_the_page_says_it_too(desk: Client) -> None:
    call = live_call(recording_state="recording")
    assert "<title>\N{BLACK CIRCLE FOR RECORD}" in desk.get(f"/calls/{call.pk}/").content.decode()
    begin_sensitive(ANA, call, 60)
    assert "<title>\N{DOUBLE VERTICAL BAR}" in desk.get(f"/calls/{call.pk}/").content.decode()
