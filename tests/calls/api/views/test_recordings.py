"""Recordings by the API: lists, one, and deletion."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Call, Recording, Take
from tests.calls.api.door import Door
from tests.calls.scene import live_call
from tests.streaming.recording.left_takes import finished_row, row

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    return live_call()


@pytest.fixture
def recording(call: Call) -> Recording:
    return finished_row(call, lost_ms=40, silence_ms=10)


def test_a_recording_tells_what_it_is(integrator: Door, call: Call, recording: Recording) -> None:
    take = recording.take
    holes = [{"from_s": 0.2, "to_s": 0.4, "why": "sensitive"}]
    Take.objects.update(started_at=call.since + timedelta(seconds=12.5), holes=holes)
    told = integrator.get(f"recordings/{recording.pk}/").json
    assert told.pop("started_at").endswith("Z")
    assert told == {
        "id": str(recording.pk),
        "call": str(call.pk),
        "take": str(take.pk),
        "number": 1,
        "state": "complete",
        "track": "participant",
        "raw_id": "4:+14255550123",
        "label": "Caller",
        "sample_rate_hz": 16_000,
        "offset_s": 12.5,
        "duration_s": 1.0,
        "silence_ms": 10,
        "lost_ms": 40,
        "held_ms": 0,
        "holes": holes,
        "recovered": False,
        "size": 10,
        "sha256": "0" * 64,
        "formats": ["flac", "wav"],
        "url": f"/api/v1/recordings/{recording.pk}/audio/",
        "peaks_url": f"/api/v1/recordings/{recording.pk}/peaks/",
        "error": "",
    }


def test_what_cannot_be_heard_offers_no_sound(integrator: Door, call: Call) -> None:
    take = row(call, state="recording")
    Recording.objects.create(take=take, call=call, track="injected", state="recording", sample_rate_hz=16_000)
    told = integrator.get(f"calls/{call.pk}/recordings/").json["results"][0]
    assert (told["label"], told["formats"], told["url"], told["peaks_url"]) == ("What we played", [], None, None)


def test_the_list_is_narrowed_and_paged(integrator: Door, call: Call) -> None:
    now = timezone.now()
    mine = [finished_row(call, track=track, raw_id="") for track in ("participant", "injected", "stereo")]
    other = finished_row(live_call("+14255550124"))
    Take.objects.filter(pk=other.take_id).update(started_at=now - timedelta(days=2))
    Recording.objects.filter(pk=mine[0].pk).update(state="deleted")

    def ids(**query: str) -> set[str]:
        return {each["id"] for each in integrator.get("recordings/", **query).json["results"]}

    assert ids(call=str(call.pk)) == {str(each.pk) for each in mine}
    assert ids(state="deleted") == {str(mine[0].pk)}
    assert ids(track="stereo") == {str(mine[2].pk)}
    assert ids(until=(now - timedelta(days=1)).isoformat()) == {str(other.pk)}
    assert ids(since=(now - timedelta(days=1)).isoformat()) == {str(each.pk) for each in mine}
    assert ids(take=str(other.take_id)) == {str(other.pk)}
    assert integrator.get("recordings/", track="nonsense").status == 400
    seen, page = [], integrator.get("recordings/", page_size="3").json
    seen += [each["id"] for each in page["results"]]
    seen += [each["id"] for each in integrator.get(page["next"]).json["results"]]
    assert seen[-1] == str(other.pk)
    assert len(set(seen)) == 4


def test_lists_ask_the_database_little_however_long_they_are(
    integrator: Door, call: Call, django_assert_max_num_queries: object
) -> None:
    for _ in range(20):
        finished_row(call)
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        assert len(integrator.get("recordings/").json["results"]) == 20


def test_deleting_one_deletes_its_take(integrator: Door, recording: Recording) -> None:
    assert integrator.delete(f"recordings/{recording.pk}/").status == 204
    told = integrator.get(f"recordings/{recording.pk}/").json
    assert (told["state"], told["url"], told["sha256"]) == ("deleted", None, "0" * 64)
    again = integrator.delete(f"recordings/{recording.pk}/")
    assert (again.status, again.error["code"]) == (409, "wrong_state")
