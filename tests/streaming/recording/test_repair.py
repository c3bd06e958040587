"""Takes that were left behind are found by their folders."""

import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from calls.models import Call, Job, Take
from calls.services.keeping import open_take
from calls.services.recordings.tracks import leave_takes_of, take_began
from streaming.recording.repair import STILL_S, repair
from tests.streaming.recording.left_takes import CALLER, noise, written


def old(folder: Path) -> None:
    """Nobody has written there for a while."""
    at_s = time.time() - STILL_S - 1
    for each in folder.iterdir():
        os.utime(each, (at_s, at_s))


def left(call: Call, written_in: Path) -> Take:
    take = written(written_in, call, {CALLER: noise(1.5)}, ended=False)
    Take.objects.filter(pk=take.take.pk).update(state="recording", owner="portal-gone", duration_s=None)
    leave_takes_of("portal-gone")
    Job.objects.all().delete()
    return take.again()


@pytest.mark.django_db
def test_a_take_of_a_dead_process_is_handed_on_once(call: Call, written_in: Path) -> None:
    take = left(call, written_in)
    assert repair() == 0  # somebody may only have slept
    old(written_in / str(take.pk))
    assert (repair(), repair()) == (1, 0)
    take.refresh_from_db()
    assert (take.state, take.recovered) == ("finishing", True)
    assert take.ended_at is not None
    assert (take.ended_at - take.started_at).total_seconds() == pytest.approx(1.5, abs=0.01)
    assert Job.objects.filter(kind="finish_take", args__take=str(take.pk)).count() == 1


@pytest.mark.django_db
def test_a_take_that_cannot_be_read_is_handed_on_as_well_and_its_job_says_why(call: Call, written_in: Path) -> None:
    take = left(call, written_in)
    for each in (written_in / str(take.pk)).iterdir():
        each.write_bytes(b"spoilt")
    old(written_in / str(take.pk))
    assert repair() == 1


@pytest.mark.django_db
def test_what_lives_and_what_is_none_of_ours_is_left_alone(call: Call, written_in: Path) -> None:
    assert repair() == 0  # there is no folder at all
    living = open_take(call, "portal-2", "ana")
    take_began(living.pk, living.started_at, 16_000)
    for name in (str(living.pk), str(uuid4()), "lost+found"):
        (written_in / name).mkdir(parents=True)
        (written_in / name / "0.pcm").write_bytes(b"")
        old(written_in / name)
    assert repair() == 0
