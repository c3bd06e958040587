"""Takes are finished, stored and deleted by the jobs that a worker carries out."""

import errno
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from calls.counters import counts
from calls.models import AuditEntry, Call, Job, Recording, Take
from calls.operations.jobs import KINDS, enqueue
from calls.operations.jobs.runner import pause_s
from calls.services import Actor
from calls.services.jobs import run_job
from calls.services.recordings.storing import delete_take
from streaming.recording import jobs
from streaming.recording.peaks import from_json
from tests.streaming.recording.left_takes import CALLEE, CALLER, RATE_HZ, US, WrittenTake, noise, written

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Actor("user", "ana", "api", "192.0.2.7")


class Moody(InMemoryStorage):
    """A storage that is away for so many calls, or spoils what it is given."""

    away_for = 0
    spoils = 0

    def _save(self, name: str, content: Any) -> str:
        self._ask()
        saved: str = super()._save(name, content)  # type: ignore[misc]
        if Moody.spoils:
            Moody.spoils -= 1
            with self.open(saved, "r+b") as file:
                file.seek(1_000)
                file.write(b"spoilt")
        return saved

    def exists(self, name: str) -> bool:
        self._ask()
        return bool(super().exists(name))

    def delete(self, name: str) -> None:
        self._ask()
        super().delete(name)

    @staticmethod
    def _ask() -> None:
        if Moody.away_for:
            Moody.away_for -= 1
            raise OSError(errno.ECONNREFUSED, "Connection refused")


@pytest.fixture
def moody(kept_in: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Moody, "away_for", 0)
    monkeypatch.setattr(Moody, "spoils", 0)
    return kept_in(f"{__name__}.Moody")


@pytest.fixture
def take(call: Call, written_in: Path) -> WrittenTake:
    return written(written_in, call, {CALLER: noise(3.1, 1), CALLEE: noise(3.1, 2), US: noise(3.1, 3)})


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def make_due(job: Job) -> None:
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(due_at=now)
    DBTaskResult.objects.filter(pk=Job.objects.get(pk=job.pk).task_id).update(run_after=now)


def heard(store: Any, recording: Recording) -> Any:
    with store.open(recording.file.name, "rb") as file:
        samples, rate_hz = soundfile.read(file, dtype="int16")
    assert rate_hz == RATE_HZ
    return samples


def test_a_take_is_stored_bit_for_bit_and_what_it_was_made_of_goes(take: WrittenTake, store: Any) -> None:
    job = enqueue("finish_take", take=str(take.take.pk))
    work()
    assert Job.objects.get(pk=job.pk).result == "3 tracks of 3.1 s stored"
    done = take.again()
    assert (done.state, done.error, done.duration_s, done.recovered) == ("complete", "", 3.1, False)
    for track, sound in take.sounds.items():
        recording = take.recording(track)
        assert np.array_equal(heard(store, recording), sound), track
        with store.open(recording.file.name, "rb") as file:
            content = file.read()
        assert (recording.size, recording.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (recording.state, recording.duration_s, recording.lost_ms) == ("complete", 3.1, 0)
        with store.open(recording.peaks.name, "rb") as file:
            assert from_json(file.read())["duration_s"] == 3.1
    assert not take.folder.exists()


def test_the_mixture_has_the_callers_left_and_us_right(take: WrittenTake, store: Any) -> None:
    jobs.finish_take(str(take.take.pk))
    both = heard(store, take.stereo)
    callers = take.sounds[CALLER].astype(int) + take.sounds[CALLEE]
    assert both.shape == (len(callers), 2)
    assert np.array_equal(both[:, 0], callers)  # together they are not as loud as would be bent
    assert np.array_equal(both[:, 1], take.sounds[US])
    assert take.stereo.state == "complete"


def test_names_in_the_storage_tell_nothing_of_the_people(take: WrittenTake, store: Any) -> None:
    jobs.finish_take(str(take.take.pk))
    for each in take.again().tracks.all():
        name = str(each.file.name)
        assert name.startswith(f"recordings/{each.call_id}/{each.take_id}/{each.track}-{each.pk}")
        assert "1425" not in name
        assert Path(store.path(name)).stat().st_mode & 0o077 == 0


def test_a_killed_process_s_take_is_finished_and_says_that_it_was_recovered(
    call: Call, written_in: Path, store: Any
) -> None:
    take = written(written_in, call, {CALLER: noise(1), US: noise(0.4)}, ended=False)
    Recording.objects.filter(take=take.take, track="injected").delete()  # it was killed before it could tell
    jobs.finish_take(str(take.take.pk))
    done = take.again()
    assert (done.state, done.recovered, done.duration_s) == ("complete", True, 1.0)
    ours = take.recording(US)
    assert (ours.recovered, ours.silence_ms) == (True, 600)
    assert np.array_equal(heard(store, ours)[: round(0.4 * RATE_HZ)], take.sounds[US])


def test_a_storage_that_is_away_costs_nothing_but_time(take: WrittenTake, moody: Any) -> None:
    failures = counts().get("recording_storage_failures", 0)
    job = enqueue("finish_take", take=str(take.take.pk))
    Moody.away_for = 3
    for number in range(1, 4):
        work()
        waits = Job.objects.get(pk=job.pk)
        assert (waits.state, waits.tries) == ("waiting", number)
        said = take.again()
        assert said.state == "finishing"
        assert "did not answer: ConnectionRefusedError. It is tried again" in said.error
        assert take.folder.exists()
        make_due(job)
    work()
    assert Job.objects.get(pk=job.pk).state == "done"
    assert (take.again().state, take.again().error) == ("complete", "")
    assert counts()["recording_storage_failures"] == failures + 3
    assert np.array_equal(heard(moody, take.recording(CALLER)), take.sounds[CALLER])


def test_a_recording_is_tried_for_days_never_more_than_a_quarter_of_an_hour_apart() -> None:
    kind = KINDS["finish_take"]
    apart = [pause_s(tries, kind.longest_pause) for tries in range(1, kind.tries)]
    assert max(apart) < 20 * 60
    assert sum(apart) > 5 * 86_400


def test_what_the_storage_spoils_is_found_and_stored_again(take: WrittenTake, moody: Any) -> None:
    job = enqueue("finish_take", take=str(take.take.pk))
    Moody.spoils = 1
    work()
    assert "gave back another file than it was given" in take.again().error
    make_due(job)
    work()
    assert take.again().state == "complete"
    assert np.array_equal(heard(moody, take.recording(CALLER)), take.sounds[CALLER])


def test_a_try_that_was_killed_half_way_is_taken_up_where_it_was(take: WrittenTake, moody: Any) -> None:
    (take.folder / "finishing-left").mkdir()
    first, *_ = take.again().tracks.all()
    moody.save(first.names[0], ContentFile(b"half a file"))  # uploaded, and nobody heard of it
    jobs.finish_take(str(take.take.pk))
    assert take.again().state == "complete"
    stored = [name for each in take.again().tracks.all() for name in each.names]
    folder = Path(stored[0]).parent
    assert sorted(moody.listdir(str(folder))[1]) == sorted(Path(each).name for each in stored)


def test_done_twice_it_comes_to_the_same(take: WrittenTake, store: Any) -> None:
    jobs.finish_take(str(take.take.pk))
    take.folder.mkdir()  # killed between its last two steps
    digests = set(Recording.objects.values_list("sha256", flat=True))
    assert jobs.finish_take(str(take.take.pk)) == "nothing to do"
    assert not take.folder.exists()
    assert set(Recording.objects.values_list("sha256", flat=True)) == digests


def test_sound_that_is_not_on_this_machine_fails_and_may_come_back(take: WrittenTake, store: Any) -> None:
    away = take.folder.rename(take.folder.with_name("moved"))
    job = enqueue("finish_take", take=str(take.take.pk))
    work()
    assert take.again().state == "failed"
    assert "not on this machine" in take.again().error
    assert take.recording(CALLER).state == "failed"
    away.rename(take.folder)
    run_job(ANA, job.pk)
    work()
    assert take.again().state == "complete"
    assert take.recording(CALLER).state == "complete"


def test_a_take_without_any_sound_fails_and_says_so(call: Call, written_in: Path, store: Any) -> None:
    take = written(written_in, call, {})
    assert jobs.finish_take(str(take.take.pk)) == "nothing was recorded"
    assert (take.again().state, take.again().error) == ("failed", "It was stopped before any sound came.")
    assert not take.folder.exists()


def test_what_is_deleted_leaves_the_storage_and_this_machine(take: WrittenTake, store: Any) -> None:
    jobs.finish_take(str(take.take.pk))
    names = [name for each in take.again().tracks.all() for name in each.names]
    assert all(store.exists(each) for each in names)
    delete_take(ANA, take.again())
    assert all(store.exists(each) for each in names), "that is the job's affair"
    work()
    assert not any(store.exists(each) for each in names)
    assert not Path(store.path(names[0])).parent.exists()
    assert set(Recording.objects.values_list("state", "file", "peaks")) == {("deleted", "", "")}
    assert (take.again().state, take.again().deleted_by) == ("deleted", "ana")


def test_what_could_not_be_deleted_is_tried_again(take: WrittenTake, moody: Any) -> None:
    jobs.finish_take(str(take.take.pk))
    delete_take(ANA, take.again())
    job = Job.objects.get(kind="delete_take_files")
    Moody.away_for = 1
    work()
    assert Job.objects.get(pk=job.pk).state == "waiting"
    make_due(job)
    work()
    assert Job.objects.get(pk=job.pk).state == "done"
    assert not moody.exists(Recording.objects.all()[0].names[0])


def test_a_take_that_is_deleted_while_it_is_stored_leaves_nothing(
    take: WrittenTake, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.save

    def save(name: str, content: Any) -> str:
        if take.again().state == "finishing":
            delete_take(ANA, take.again())
        return str(stored(name, content))

    monkeypatch.setattr(store._wrapped, "save", save)
    assert jobs.finish_take(str(take.take.pk)) == jobs.DELETED_MEANWHILE
    assert take.again().state == "deleted"
    assert not any(store.exists(name) for each in take.again().tracks.all() for name in each.names)
    assert not take.folder.exists()


def test_recordings_whose_days_are_over_are_deleted_once_and_by_the_portal(take: WrittenTake, store: Any) -> None:
    Call.objects.update(recording_keep_days=30)
    jobs.finish_take(str(take.take.pk))
    done = take.again()
    assert done.ended_at is not None
    assert done.delete_after == done.ended_at + timedelta(days=30)
    assert KINDS["delete_expired_recordings"].work() == "0 deleted"
    Take.objects.update(delete_after=timezone.now() - timedelta(seconds=1))
    assert KINDS["delete_expired_recordings"].work() == "1 deleted"
    assert KINDS["delete_expired_recordings"].work() == "0 deleted"
    work()
    assert not store.exists(take.recording(CALLER).names[0])
    entry = AuditEntry.objects.get(action="delete_recording")
    assert (entry.actor_kind, entry.target_id, entry.call_id) == ("portal", str(take.take.pk), take.take.call_id)
