"""What becomes of a take after its end, in rows; its files are in tests/streaming/recording/test_jobs.py."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from calls.errors import CallStateError
from calls.models import AuditEntry, Call, Job, Recording, Take
from calls.services import Actor
from calls.services.recordings import storing
from calls.services.recordings.storing import StoredTrack, WholeTake, delete_expired, delete_take
from tests.calls.scene import live_call
from tests.streaming.recording.left_takes import finished_row, row

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Actor("user", "ana", "api", "192.0.2.7")
STORED = StoredTrack(2.0, 16_000, 10, 20, 30, True, 4_000, "a" * 64)
WHOLE = WholeTake(2.0, 16_000, 20, True, [{"from_s": 0.5, "to_s": 1.0, "why": "pause"}])


@pytest.fixture
def call() -> Call:
    return live_call(recording_keep_days=7)


def track(take: Take) -> Recording:
    return storing.row_of(take, str(uuid4()), "participant", "4:+14255550123", 16_000)


def test_a_stored_track_and_its_take_say_what_they_are(call: Call) -> None:
    take = row(call)
    recording = track(take)
    assert storing.track_stored(recording, STORED)
    recording.refresh_from_db()
    assert (recording.state, recording.duration_s, recording.held_ms) == ("complete", 2.0, 30)
    assert (recording.file.name, recording.peaks.name) == recording.names
    assert storing.take_complete(take.pk, WHOLE)
    take.refresh_from_db()
    assert (take.state, take.recovered, take.lost_ms, take.holes) == ("complete", True, 20, WHOLE.holes)
    assert take.ended_at is not None
    assert take.delete_after == take.ended_at + timedelta(days=7)


def test_a_row_that_is_there_is_taken(call: Call) -> None:
    take = row(call)
    assert track(take).pk == track(take).pk
    assert storing.stereo_of(take, 16_000).pk == storing.stereo_of(take, 16_000).pk
    assert Recording.objects.count() == 2


def test_a_call_that_keeps_its_recordings_dates_none(call: Call) -> None:
    Call.objects.update(recording_keep_days=None)
    take = row(call)
    storing.take_complete(take.pk, WHOLE)
    assert Take.objects.get().delete_after is None
    assert delete_expired(timezone.now() + timedelta(days=10_000)) == 0


@pytest.mark.parametrize("state", ["recording", "paused"])
def test_what_is_being_recorded_is_stopped_before_it_is_deleted(call: Call, state: str) -> None:
    take = row(call, state=state)
    with pytest.raises(CallStateError, match="Stop the recording first"):
        delete_take(ANA, take)
    assert not AuditEntry.objects.exists()
    assert Take.objects.get().state == state


@pytest.mark.parametrize("state", ["finishing", "complete", "failed"])
def test_whatever_is_over_can_be_deleted_once_and_leaves_a_trace(call: Call, state: str) -> None:
    take = finished_row(call).take
    Take.objects.update(state=state)
    done = delete_take(ANA, take)
    assert (done.state, done.deleted_by) == ("deleted", "ana")
    assert set(done.tracks.values_list("state", "sha256", "duration_s")) == {("deleted", "0" * 64, 1.0)}
    assert Job.objects.get().args == {"take": str(take.pk)}
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.facts) == ("delete_recording", "take 1", {"tracks": 1})
    with pytest.raises(CallStateError, match="deleted already"):
        delete_take(ANA, take)
    assert AuditEntry.objects.count() == 1


def test_a_take_that_was_deleted_stays_deleted_whoever_finishes_it(call: Call) -> None:
    take = row(call)
    recording = track(take)
    delete_take(ANA, take)
    assert storing.to_be_finished(take.pk) is None
    assert not storing.track_stored(recording, STORED)
    assert not storing.take_complete(take.pk, WHOLE)
    storing.storing_waits(take.pk, "The storage is away.")
    storing.nothing_to_keep(take.pk, "Nothing.")
    take.refresh_from_db()
    assert (take.state, take.error) == ("deleted", "")


def test_what_waits_for_the_storage_says_so_and_each_page_hears_it_once(call: Call) -> None:
    take = row(call)
    seq = Call.objects.get().live_seq
    for _ in range(3):
        storing.storing_waits(take.pk, "The storage is away." + "x" * 400)
    take.refresh_from_db()
    assert (take.state, len(take.error)) == ("finishing", 300)
    assert Call.objects.get().live_seq == seq + 1


def test_days_count_from_the_end_and_only_what_is_over_is_deleted(call: Call) -> None:
    now = timezone.now()
    for number, (state, delete_after) in enumerate(
        [
            ("complete", now - timedelta(seconds=1)),
            ("complete", now + timedelta(days=1)),
            ("complete", None),
            ("recording", now - timedelta(days=1)),
            ("deleted", now - timedelta(days=1)),
        ]
    ):
        row(call, number=number, state=state, delete_after=delete_after)
    assert delete_expired(now) == 1
    assert delete_expired(now) == 0
    assert delete_expired(now + timedelta(days=2)) == 1
    assert [take.number for take in Take.objects.filter(deleted_by="portal").order_by("number")] == [0, 1]
    assert AuditEntry.objects.filter(action="delete_recording", actor_kind="portal").count() == 2


def test_what_never_could_be_finished_is_kept_no_longer_than_the_rest(call: Call) -> None:
    now = timezone.now()
    row(call, state="failed", ended_at=None, started_at=now)
    assert delete_expired(now + timedelta(days=6)) == 0
    assert delete_expired(now + timedelta(days=8)) == 1
