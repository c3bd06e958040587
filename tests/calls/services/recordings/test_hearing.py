"""Who hears a recording is written down; the doors are in tests/streaming/recording/test_doors.py."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from calls.errors import CallStateError, NotFound
from calls.models import AuditEntry, Recording
from calls.services import Actor
from calls.services.recordings.hearing import hear, must_be_there
from calls.services.recordings.storing import delete_take
from tests.calls.scene import live_call
from tests.streaming.recording.left_takes import finished_row

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Actor("user", "ana", "api", "192.0.2.7")


@pytest.fixture
def recording() -> Recording:
    return finished_row(live_call())


def test_a_person_and_a_key_of_the_same_name_are_two(recording: Recording) -> None:
    for actor in (ANA, ANA, Actor("api_key", "ana", "api")):
        hear(actor, recording)
    assert AuditEntry.objects.filter(action="hear_recording").count() == 2


def test_who_asks_for_many_tracks_at_once_is_written_down_once(recording: Recording) -> None:
    together = threading.Barrier(6)

    def ask() -> None:
        together.wait(10)
        try:
            hear(ANA, Recording.objects.select_related("take", "call").get(pk=recording.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(ask) for _ in range(6)]:
            done.result(30)
    entry = AuditEntry.objects.get(action="hear_recording")
    assert entry.facts == {"track": "participant", "recording": str(recording.pk), "download": False}


def test_what_is_not_there_is_heard_by_nobody(recording: Recording) -> None:
    delete_take(ANA, recording.take)
    recording = Recording.objects.get()
    with pytest.raises(NotFound, match="deleted by ana"):
        hear(ANA, recording, download=True)
    Recording.objects.update(state="finishing")
    with pytest.raises(CallStateError, match="being finished"):
        must_be_there(Recording.objects.get())
    assert not AuditEntry.objects.filter(action="hear_recording").exists()
