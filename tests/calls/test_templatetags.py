"""Times, levels and sizes in the words of the console."""

import pytest
from django.template import Context, Template

from calls.selectors import CommandJson
from calls.templatetags.console import bytes as byte_words
from calls.templatetags.console import clock, db, icon, khz, length_of, offset, when
from calls.views.happenings import steps


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (247.9, "4:07"), (3_599, "59:59"), (4_327, "1:12:07"), (None, "–")]
)
def test_a_duration_reads_like_a_clock(seconds: float | None, words: str) -> None:
    assert clock(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(70.44, "1:10.4"), (-4.2, "−0:04.2"), (-0.01, "0:00.0"), (59.96, "1:00.0")]
)
def test_a_moment_is_told_on_the_calls_own_clock(seconds: float, words: str) -> None:
    assert offset(seconds) == words


def test_numbers_carry_their_units() -> None:
    assert length_of(8_400) == "8.4 s"
    assert length_of(62_000) == "1:02"
    assert length_of(None) == "–"
    assert khz(16_000) == "16 kHz"
    assert khz(44_100) == "44.1 kHz"
    assert db(-3.0) == "−3 dB"
    assert byte_words(218) == "218 bytes"
    assert byte_words(218_000) == "218 kB"
    assert byte_words(1_234_567) == "1.2 MB"


def test_a_moment_is_utc_until_the_script_shows_it_in_the_readers_zone() -> None:
    assert when("2026-11-20T10:41:02.123Z") == (
        '<time datetime="2026-11-20T10:41:02.123Z" data-shape="clock">10:41:02 UTC</time>'
    )
    assert "20 Nov, 10:41 UTC" in when("2026-11-20T10:41:02Z", "day")
    assert when(None) == "–"


def test_an_icon_is_decoration() -> None:
    assert 'aria-hidden="true"' in icon("live")
    assert "icons.svg#live" in icon("live")


def test_a_template_cannot_be_broken_out_of_by_a_name() -> None:
    drawn = Template("{% load console %}{% icon name %}").render(Context({"name": '"><script>'}))
    assert "<script>" not in drawn


@pytest.mark.parametrize(
    ("state", "accepted_at", "words"),
    [
        ("queued", None, ["now Asked", "next Accepted", "next Done"]),
        ("accepted", "x", ["past Asked", "now Accepted", "next Done"]),
        ("done", "x", ["past Asked", "past Accepted", "now Done"]),
        ("failed", None, ["past Asked", "now Failed"]),
        ("failed", "x", ["past Asked", "past Accepted", "now Failed"]),
    ],
)
def test_an_order_shows_how_far_it_came(state: str, accepted_at: str | None, words: list[str]) -> None:
    command: CommandJson = {
        "id": "1",
        "call": "2",
        "verb": "hang_up",
        "state": state,
        "error": None,
        "asked_by": "dana",
        "created_at": "2026-11-20T10:41:02Z",
        "accepted_at": accepted_at,
        "done_at": None,
    }
    assert [f"{place} {word}" for word, place, _ in steps(command)] == words
