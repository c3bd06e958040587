"""What was recorded, by the doors that a player and an integrator use: whole, in parts, or not at all."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import soundfile
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from calls.models import ApiKey, AuditEntry, Call, Recording, Take
from calls.services import PORTAL
from calls.services.recordings.storing import delete_take
from streaming.recording import jobs
from tests.streaming.recording.left_takes import CALLER, RATE_HZ, US, WrittenTake, noise, row, written

pytestmark = pytest.mark.django_db

LENGTH_S = 2.5


@pytest.fixture
def take(call: Call, written_in: Path, store: Any) -> WrittenTake:
    take = written(written_in, call, {CALLER: noise(LENGTH_S, 1), US: noise(LENGTH_S, 2)})
    jobs.finish_take(str(take.take.pk))
    return take


@pytest.fixture
def player() -> Client:
    return person("operator")


def person(role: str) -> Client:
    someone = User.objects.create_user(role)
    someone.groups.add(Group.objects.get(name=role))
    client = Client(raise_request_exception=False)
    client.force_login(someone)
    return client


def with_key(*scopes: str) -> Client:
    _, secret = ApiKey.issue(f"Key for {' '.join(scopes)}", list(scopes))
    return Client(raise_request_exception=False, headers={"Authorization": f"Api-Key {secret}"})


def at(recording: Recording | Any, what: str = "audio") -> str:
    return f"/api/v1/recordings/{getattr(recording, 'pk', recording)}/{what}/"


def body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else bytes(answer.content)


Fetch = Callable[[str], bytes]
TRACKS = {"one voice": CALLER, "the mixture": ("stereo", "")}
KINDS = [(kind, track) for kind in ("flac", "wav") for track in TRACKS]
RANGES = [
    ("bytes=0-", 0, None),
    ("bytes=0-0", 0, 1),
    ("bytes=0-43", 0, 44),
    ("bytes=1-2", 1, 3),
    ("bytes=10-99", 10, 100),
    ("bytes=43-44", 43, 45),
    ("bytes=44-45", 44, 46),
    ("bytes=45-45", 45, 46),
    ("bytes=46-50000", 46, 50_001),
    ("bytes=47-50001", 47, 50_002),
    ("bytes=999-1999", 999, 2_000),
    ("bytes=30000-", 30_000, None),
    ("bytes=30001-", 30_001, None),
    ("bytes=30000-99999999999", 30_000, None),
    ("bytes=-1", -1, None),
    ("bytes=-2", -2, None),
    ("bytes=-3", -3, None),
    ("bytes=-20001", -20_001, None),
    ("bytes=-99999999999", 0, None),
    ("bytes=0-99999999999", 0, None),
]


@pytest.mark.parametrize(("kind", "track"), KINDS)
def test_twenty_parts_are_slices_of_the_whole(player: Client, take: WrittenTake, kind: str, track: str) -> None:
    url = f"{at(take.recording(TRACKS[track]))}?format={kind}"
    whole = player.get(url)
    content = body(whole)
    assert (whole.status_code, whole["Content-Type"]) == (200, f"audio/{kind}")
    assert whole["Content-Length"] == str(len(content))
    for asked, first, stop in RANGES:
        part = player.get(url, headers={"Range": asked})
        expected = content[first:stop]
        start = first % len(content)
        assert part.status_code == 206, asked
        assert body(part) == expected, asked
        assert part["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/{len(content)}"
        assert part["Content-Length"] == str(len(expected))


@pytest.mark.parametrize(("kind", "track"), KINDS)
def test_the_whole_file_is_what_was_recorded(player: Client, take: WrittenTake, kind: str, track: str) -> None:
    recording = take.recording(TRACKS[track])
    samples, rate_hz = soundfile.read(BytesIO(body(player.get(f"{at(recording)}?format={kind}"))), dtype="int16")
    caller, us = take.sounds[CALLER], take.sounds[US]
    assert rate_hz == RATE_HZ
    assert np.array_equal(samples, caller if track == "one voice" else np.column_stack((caller, us)))


@pytest.mark.parametrize("kind", ["flac", "wav"])
@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-100000000", "bytes=-0"])
def test_bytes_that_the_file_does_not_have_are_416(player: Client, take: WrittenTake, kind: str, asked: str) -> None:
    url = f"{at(take.stereo)}?format={kind}"
    size = player.head(url)["Content-Length"]
    answer = player.get(url, headers={"Range": asked})
    assert (answer.status_code, answer["Content-Range"], answer.content) == (416, f"bytes */{size}", b"")


@pytest.mark.parametrize("asked", ["", "bytes", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,5-6", "items=0-1"])
def test_what_is_no_single_range_gets_the_whole_file(player: Client, take: WrittenTake, asked: str) -> None:
    answer = player.get(at(take.stereo), headers={"Range": asked})
    assert (answer.status_code, len(body(answer))) == (200, take.stereo.size)


def test_a_part_is_of_the_file_that_the_player_began_with(player: Client, take: WrittenTake) -> None:
    for kind in ("flac", "wav"):
        url = f"{at(take.stereo)}?format={kind}"
        etag = player.head(url)["ETag"]
        assert take.stereo.sha256 in etag
        same = player.get(url, headers={"Range": "bytes=0-9", "If-Range": etag})
        other = player.get(url, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
        assert (same.status_code, len(body(same))) == (206, 10)
        assert (other.status_code, len(body(other))) == (200, int(other["Content-Length"]))


def test_a_head_tells_all_and_sends_nothing_and_is_no_hearing(player: Client, take: WrittenTake) -> None:
    for kind in ("flac", "wav"):
        url = f"{at(take.stereo)}?format={kind}"
        head, whole = player.head(url, headers={"Range": "bytes=0-9"}), player.get(url)
        assert (head.status_code, head.content) == (200, b"")
        names = ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Content-Disposition", "Cache-Control")
        assert [head[name] for name in names] == [whole[name] for name in names]
        body(whole)
    player.head(at(take.stereo))
    assert AuditEntry.objects.filter(action="hear_recording").count() == 1


def test_nothing_on_the_way_keeps_it_and_its_name_tells_nobody_who_called(player: Client, take: WrittenTake) -> None:
    heard = player.get(at(take.recording(CALLER)))
    fetched = player.get(f"{at(take.recording(CALLER))}?format=wav&download=1")
    assert heard["Cache-Control"] == "private, no-store"
    assert heard["Content-Disposition"].startswith('inline; filename="call-')
    assert fetched["Content-Disposition"].startswith("attachment;")
    assert fetched["Content-Disposition"].endswith('.wav"')
    assert "1425" not in fetched["Content-Disposition"] + heard["Content-Disposition"]
    body(heard), body(fetched)


def test_hearing_is_written_down_once_an_hour_and_each_download(player: Client, take: WrittenTake) -> None:
    caller, us = take.recording(CALLER), take.recording(US)
    for asked in ("bytes=0-", "bytes=100-200", "bytes=300-400"):
        for recording in (caller, us):
            body(player.get(at(recording), headers={"Range": asked}))
    entries = AuditEntry.objects.filter(action="hear_recording")
    assert [(each.actor, each.via, each.target_id, each.call_id) for each in entries] == [
        ("operator", "api", str(take.take.pk), take.take.call_id)
    ]
    body(player.get(f"{at(caller)}?download=1"))
    body(player.get(f"{at(caller)}?download=1", headers={"Range": "bytes=100-"}))  # goes on with the same download
    assert [each.facts["download"] for each in entries.order_by("number")] == [False, True]
    body(person("supervisor").get(at(caller)))
    assert entries.all().count() == 3


def test_another_hour_is_another_hearing(player: Client, take: WrittenTake, monkeypatch: pytest.MonkeyPatch) -> None:
    body(player.get(at(take.stereo)))
    now = timezone.now()
    for minutes, entries in ((59, 1), (61, 2)):
        monkeypatch.setattr(timezone, "now", lambda minutes=minutes: now + timedelta(minutes=minutes))
        body(player.get(at(take.stereo)))
        assert AuditEntry.objects.filter(action="hear_recording").count() == entries


@pytest.mark.parametrize(("role", "hears"), [("viewer", False), ("operator", True), ("supervisor", True)])
def test_who_may_see_calls_may_not_therefore_hear_them(take: WrittenTake, role: str, hears: bool) -> None:
    client = person(role)
    for what in ("audio", "peaks"):
        for headers in ({}, {"Range": "bytes=0-0"}):
            answer = client.get(at(take.stereo, what), headers=headers)
            assert (answer.status_code in {200, 206}) is hears
            sent = body(answer)
            if not hears:
                assert answer.status_code == 403
                assert json.loads(sent)["error"]["code"] == "not_allowed"
    assert client.head(at(take.stereo)).status_code == (200 if hears else 403)


def test_a_key_hears_with_both_scopes_only(take: WrittenTake) -> None:
    url = at(take.stereo)
    assert Client().get(url).status_code == 401
    assert with_key("view_call", "export_call").get(url).status_code == 403
    assert with_key("view_recording").get(url).status_code == 404  # it sees no calls
    assert len(body(with_key("view_call", "view_recording").get(url))) == take.stereo.size


@pytest.mark.parametrize(
    ("states", "status", "says"),
    [
        (("recording", "recording"), 409, "still being recorded"),
        (("finishing", "finishing"), 409, "being finished"),
        (("failed", "failed"), 409, "failed, so there is nothing to hear. The disk was full."),
    ],
)
def test_what_cannot_be_heard_says_why(
    player: Client, call: Call, states: tuple[str, str], status: int, says: str
) -> None:
    take = row(call, state=states[0], error="The disk was full.")
    recording = Recording.objects.create(
        take=take, call=call, track="injected", state=states[1], sample_rate_hz=RATE_HZ
    )
    for url in (at(recording), f"{at(recording)}?format=wav&download=1", at(recording, "peaks")):
        answer = player.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
        assert says in answer.json()["error"]["message"]
    assert not AuditEntry.objects.exists()


def test_what_was_deleted_is_not_there_at_once(player: Client, take: WrittenTake, store: Any) -> None:
    delete_take(PORTAL, take.again())
    assert store.exists(take.stereo.names[0])  # the job comes in a moment
    for what in ("audio", "peaks"):
        answer = player.get(at(take.stereo, what))
        assert answer.status_code == 404
        assert "was deleted by portal at 2" in answer.json()["error"]["message"]


def test_a_file_that_the_storage_lost_is_503_and_no_half_answer(
    player: Client, take: WrittenTake, store: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for name in take.stereo.names:
        store.delete(name)
    for url in (at(take.stereo), f"{at(take.stereo)}?format=wav", at(take.stereo, "peaks")):
        answer = player.get(url)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert str(take.stereo.pk) in caplog.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("format=mp3", "format"),
        ("format=../../etc/passwd", "format"),
        ("download=perhaps", "download"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(player: Client, take: WrittenTake, query: str, field: str) -> None:
    answer = player.get(f"{at(take.stereo)}?{query}")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


@pytest.mark.parametrize("inner", ["../", "..%2f", "..\\", "%2e%2e/", "....//", "%00", "a" * 300, "/etc/passwd", "~"])
def test_no_address_leads_out_of_the_storage(player: Client, take: WrittenTake, inner: str) -> None:
    for url in (
        f"/api/v1/recordings/{inner}/audio/",
        f"/api/v1/recordings/{take.stereo.pk}{inner}/audio/",
        f"/api/v1/recordings/{take.stereo.pk}/{inner}audio/",
        f"/api/v1/recordings/{inner}{take.stereo.pk}/audio/",
    ):
        answer = player.get(url)
        assert answer.status_code in {301, 404}, url
        assert b"root:" not in body(answer)
    names = {name for each in Recording.objects.all() for name in each.names}
    assert all(".." not in name and name.startswith("recordings/") for name in names)


def test_nobody_finds_what_is_not_there(player: Client) -> None:
    answer = player.get(at(uuid4()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_wav_that_cannot_be_is_refused_in_a_sentence(player: Client, take: WrittenTake) -> None:
    Recording.objects.update(duration_s=30 * 3_600.0, sample_rate_hz=24_000)
    answer = player.get(f"{at(take.stereo)}?format=wav")
    assert answer.status_code == 400
    assert "Ask for flac" in answer.json()["error"]["message"]


# --- Outlines --------------------------------------------------------------------------------------------------------


def spans(samples: Any, per_s: int) -> list[int]:
    found = []
    step = RATE_HZ // per_s
    for begin in range(0, len(samples), step):
        piece = samples[begin : begin + step].astype(int)
        found += [min(127, (int(piece.min()) + 128) >> 8), min(127, (int(piece.max()) + 128) >> 8)]
    return found


@pytest.mark.parametrize("per_s", [5, 50])
def test_an_outline_has_the_lowest_and_highest_sample_of_each_span(
    player: Client, take: WrittenTake, per_s: int
) -> None:
    answer = player.get(at(take.recording(CALLER), "peaks"), {"per_s": per_s}).json()
    assert (answer["per_s"], answer["from_s"], answer["duration_s"]) == (per_s, 0, LENGTH_S)
    assert answer["peaks"] == spans(take.sounds[CALLER], per_s)


@pytest.mark.parametrize(
    ("from_s", "until_s", "begins", "pairs"),
    [("0.5", "1.5", 0.5, 50), ("0.51", "0.53", 0.5, 2), ("2.4", "99", 2.4, 5), ("3", "4", 3.0, 0), ("2", "1", 2.0, 0)],
)
def test_a_window_of_an_outline_holds_what_lies_in_it(
    player: Client, take: WrittenTake, from_s: str, until_s: str, begins: float, pairs: int
) -> None:
    query = {"per_s": "50", "from_s": from_s, "until_s": until_s}
    answer = player.get(at(take.recording(CALLER), "peaks"), query).json()
    first = round(begins * 50)
    assert answer["from_s"] == pytest.approx(begins)
    assert answer["peaks"] == spans(take.sounds[CALLER], 50)[2 * first : 2 * (first + pairs)]
    assert len(answer["peaks"]) == 2 * pairs


@pytest.mark.parametrize(
    "query", [{"per_s": "7"}, {"from_s": "-1"}, {"until_s": "nan"}, {"from_s": "inf"}, {"from_s": "x"}]
)
def test_a_window_that_makes_no_sense_is_refused(player: Client, take: WrittenTake, query: dict[str, str]) -> None:
    answer = player.get(at(take.stereo, "peaks"), query)
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, set(query))


def test_a_take_tells_where_its_sound_is(player: Client, take: WrittenTake) -> None:
    rows = player.get("/api/v1/recordings/", {"take": str(take.take.pk)}).json()["results"]
    assert {each["track"] for each in rows} == {"participant", "injected", "stereo"}
    for each in rows:
        assert (each["state"], each["formats"]) == ("complete", ["flac", "wav"])
        assert len(body(player.get(each["url"]))) == each["size"]
        assert player.get(each["peaks_url"]).json()["duration_s"] == each["duration_s"] == LENGTH_S
    assert Take.objects.get().state == "complete"
