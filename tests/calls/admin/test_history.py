"""What belongs to calls, in the admin: here the recordings; the rest is in tests/calls/test_admin.py."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from calls.models import AuditEntry, Call, Job, Recording, Take
from tests.calls.scene import live_call, signed_in, staff, words
from tests.streaming.recording.left_takes import finished_row, row

pytestmark = pytest.mark.django_db

TAKES, TRACKS = "/admin/calls/take/", "/admin/calls/recording/"


@pytest.fixture
def call() -> Call:
    return live_call()


@pytest.fixture
def recording(call: Call) -> Recording:
    return finished_row(call, lost_ms=40, held_ms=2_000)


def page(person: User, path: str) -> str:
    answer = signed_in(person).get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_takes_and_tracks_are_listed_and_heard_by_who_may(recording: Recording) -> None:
    dana = staff("view_recording")
    listed = page(dana, TAKES)
    assert "Take 1" in listed
    assert "Stored" in listed
    assert f"{TRACKS}?take__id__exact={recording.take_id}" in listed
    assert "Caller" in page(dana, f"{TRACKS}?take__id__exact={recording.take_id}")
    for path in (f"{TAKES}{recording.take_id}/change/", f"{TRACKS}{recording.pk}/change/"):
        shown = page(dana, path)
        assert f'<audio controls preload="none" src="/api/v1/recordings/{recording.pk}/audio/"' in shown
        assert "style=" not in shown.partition("<main")[2]
    assert "2.0 s" in page(dana, f"{TRACKS}{recording.pk}/change/")


def test_who_may_not_hear_is_offered_no_player(recording: Recording) -> None:
    viewer = staff(name="vic")
    for path in (f"{TAKES}{recording.take_id}/change/", f"{TRACKS}{recording.pk}/change/"):
        assert "<audio" not in page(viewer, path)


@pytest.mark.parametrize("state", Take.State.values)
def test_every_state_has_words(call: Call, state: str) -> None:
    take = row(call, state=state)
    kept = {"paused": "recording"}.get(state, state)
    Recording.objects.create(take=take, call=call, track="injected", state=kept, sample_rate_hz=16_000)
    dana = staff("view_recording")
    assert "What we played" in page(dana, TRACKS)
    assert "Take 1" in page(dana, TAKES)
    assert page(dana, f"{TAKES}{take.pk}/change/")


def delete(person: User, *takes: Take, **fields: str) -> Any:
    sent = {"action": "delete_takes", "_selected_action": [str(each.pk) for each in takes], **fields}
    return signed_in(person).post(TAKES, sent, follow=True)


def test_a_recording_is_deleted_by_who_may_after_a_question(recording: Recording) -> None:
    dana = staff("view_recording", "delete_recording")
    asked = delete(dana, recording.take)
    assert "It cannot be undone" in asked.content.decode()
    assert Take.objects.get().state == "complete"
    done = delete(dana, recording.take, confirmed="yes")
    assert words(done) == ["Take 1 of +1 425 555 0123 is deleted."]
    assert (Take.objects.get().state, Take.objects.get().deleted_by) == ("deleted", "dana")
    entry = AuditEntry.objects.get(action="delete_recording")
    assert (entry.actor, entry.via) == ("dana", "admin")
    assert Job.objects.filter(kind="delete_take_files").count() == 1
    again = delete(dana, recording.take, confirmed="yes")
    assert "is deleted already" in words(again)[0]


def test_who_may_only_hear_deletes_nothing(recording: Recording) -> None:
    delete(staff("view_recording"), recording.take, confirmed="yes")
    assert Take.objects.get().state == "complete"
