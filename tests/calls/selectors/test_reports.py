from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from calls.models import Call, CallMeasures
from calls.selectors.reports import ReportJson, report, report_rows
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(minute=30, second=0, microsecond=0)


def ended(number: int, began: datetime, talked_s: float | None, **fields: object) -> Call:
    row = {
        "state": "ended",
        "created_at": began,
        "ringing_at": began,
        "connected_at": None if talked_s is None else began,
        "ended_at": began + timedelta(seconds=talked_s or 0),
    }
    return live_call(f"+1425555{number:04}", streams=False, **(row | fields))


@pytest.fixture
def calls() -> list[Call]:
    hour_ago = NOW - timedelta(hours=1)
    found = [
        ended(1, NOW, 10),
        ended(2, NOW, 200, direction="outbound"),
        ended(3, hour_ago, 400),
        ended(4, hour_ago, None, state="failed", end_code=480, end_subcode=31, end_text="Nobody answered."),
        ended(5, hour_ago, None, state="failed", end_code=480, end_subcode=31, end_text="Nobody answered."),
        ended(6, NOW - timedelta(days=9), 5_000),
    ]
    CallMeasures.objects.create(
        call=found[0], their_talk_s=4, our_talk_s=2, silence_s=4, longest_silence_s=3, response_latency_s=0.8
    )
    CallMeasures.objects.create(call=found[2], their_talk_s=100, our_talk_s=200, silence_s=100, longest_silence_s=61)
    return found


def of_two_days() -> ReportJson:
    return report(Call.objects.all(), NOW - timedelta(days=2), NOW + timedelta(hours=1))


@pytest.mark.usefixtures("calls")
def test_calls_of_the_stretch_are_summed_and_others_left_out() -> None:
    found = of_two_days()
    assert (found["calls"], found["connected"], found["failed"]) == (5, 3, 2)
    assert (found["median_duration_s"], found["total_duration_s"]) == (200, 610)
    assert (found["median_dead_air_s"], found["median_latency_s"]) == (32, 0.8)


@pytest.mark.usefixtures("calls")
def test_each_hour_has_its_calls_and_hours_without_calls_are_there() -> None:
    counts = of_two_days()["counts"]
    assert counts["step"] == "hour"
    assert all(later - earlier == 3600 for earlier, later in zip(counts["at"], counts["at"][1:], strict=False))
    this_hour = counts["at"].index(int(NOW.replace(minute=0).timestamp()))
    assert (counts["inbound"][this_hour], counts["outbound"][this_hour], counts["failed"][this_hour]) == (1, 1, 0)
    assert (counts["inbound"][this_hour - 1], counts["failed"][this_hour - 1]) == (1, 2)
    assert sum(counts["inbound"]) + sum(counts["outbound"]) + sum(counts["failed"]) == 5


@pytest.mark.usefixtures("calls")
def test_a_longer_stretch_is_told_by_days() -> None:
    counts = report(Call.objects.all(), NOW - timedelta(days=30), NOW + timedelta(hours=1))["counts"]
    assert counts["step"] == "day"
    assert sum(counts["inbound"]) == 3


@pytest.mark.usefixtures("calls")
def test_lengths_and_dead_air_fall_into_their_buckets() -> None:
    found = of_two_days()
    assert [each for each in zip(*found["durations"].values(), strict=True) if each[1]] == [
        ("under 15 s", 1),
        ("3–5 min", 1),
        ("5–10 min", 1),
    ]
    assert [each for each in zip(*found["dead_air"].values(), strict=True) if each[1]] == [
        ("2–5 s", 1),
        ("over 1 min", 1),
    ]


@pytest.mark.usefixtures("calls")
def test_talk_is_shared_out_over_the_measured_calls() -> None:
    talk = of_two_days()["talk"]
    assert talk["calls"] == 2
    assert (talk["theirs"], talk["ours"], talk["silence"]) == pytest.approx((104 / 410, 202 / 410, 104 / 410), abs=1e-4)


@pytest.mark.usefixtures("calls")
def test_failures_are_counted_by_code_with_their_words() -> None:
    assert of_two_days()["failures"] == [{"code": 480, "subcode": 31, "text": "Nobody answered.", "calls": 2}]


@pytest.mark.usefixtures("calls")
def test_the_spreadsheet_has_a_line_a_call_and_names_nobody() -> None:
    names, *lines = report_rows(Call.objects.all(), NOW - timedelta(days=2), NOW + timedelta(hours=1))
    assert len(lines) == 5
    by_length = {line[names.index("duration_s")]: line for line in lines}
    assert by_length[10.0][names.index("their_talk_s")] == 4
    assert by_length[200.0][names.index("their_talk_s")] is None
    assert not any("+1" in str(cell) for line in lines for cell in line)


def test_a_time_without_calls_is_a_report_of_zeros() -> None:
    found = of_two_days()
    assert (found["calls"], found["median_duration_s"], found["failures"]) == (0, None, [])
    assert found["talk"]["theirs"] == 0
