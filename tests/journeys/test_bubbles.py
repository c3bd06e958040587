"""What is said, in Chromium: bubbles grow in place and in order, the wall shows the newest words, the past is text."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.desk import LOOKS, Desk
from tests.journeys.stack import wait_for
from tests.streaming.doorstep import AzureCall, Door, MediaSocket, opened, sine

pytestmark = [pytest.mark.journey, pytest.mark.browser]

CALLER, AGENT = "4:+14255550123", "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
OFFERED = "tests.streaming.transcripts.parrot.Parrot,tests.streaming.transcripts.parrot.Refused"
PAUSE = np.zeros(9_600, np.int16)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened("daphne", tmp_path_factory.mktemp("bubbles"), SPEECH_RECOGNISERS=OFFERED) as portal:
        yield portal


@pytest.fixture
def desk(browser: Browser, door: Door) -> Iterator[Desk]:
    at = Desk(browser, door.stack, LOOKS[0])
    yield at
    at.close()
    assert at.complaints == []


@contextmanager
def talking(door: Door) -> Iterator[tuple[AzureCall, MediaSocket]]:
    call = door.call("+18005550199")
    with call.dial().open() as socket:
        socket.say(PAUSE[:3_200], CALLER, AGENT)
        wait_for(lambda: call.row()["streaming"]["state"] == "streaming", 10)
        yield call, socket


def start(page: Page, name: str) -> None:
    page.locator(".transcript select[name=recogniser]").select_option(label=name, timeout=5_000)
    page.get_by_role("button", name="Start transcript").click()


def spoken(page: Page) -> list[str]:
    return page.locator('.turn:not([data-kind="gap"]) .bubble').all_inner_texts()


def test_turns_grow_in_place_on_their_sides_and_in_their_order(door: Door, desk: Desk) -> None:
    page = desk.page
    with talking(door) as (call, socket):
        page.goto(f"/calls/{call.id}/")
        expect(page.get_by_text("Nothing is written down. Start the transcript to read what is said.")).to_be_visible()
        start(page, "Parrot")
        with socket.saying(np.concatenate([PAUSE, sine(1_500, 16_000)]), CALLER):
            growing = page.locator('.turn[data-side="theirs"][data-open]')
            expect(growing).to_contain_text("one", timeout=8_000)
            expect(growing).to_contain_text("still speaking")
            turn = growing.get_attribute("data-turn")
        socket.say(PAUSE, CALLER)
        same = page.locator(f'[data-turn="{turn}"]')
        expect(same).not_to_have_attribute("data-open", "", timeout=5_000)
        expect(same.locator(".bubble")).to_have_text("one two three four five")
        expect(page.locator('[data-slot="aloud"]')).to_have_text("Caller: one two three four five")
        socket.say(np.concatenate([sine(700, 16_000), PAUSE]), AGENT)
        expect(page.locator('.turn[data-side="ours"] .bubble')).to_have_text("one two")
        assert spoken(page) == ["one two three four five", "one two"]
        left, right = (page.locator(f'.turn[data-side="{side}"] .bubble').bounding_box() for side in ("theirs", "ours"))
        assert left is not None
        assert right is not None
        assert left["x"] + left["width"] < right["x"] + right["width"]
        # A page that is opened later shows the same, in the same order.
        page.reload()
        assert spoken(page) == ["one two three four five", "one two"]
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("button", name="Start transcript")).to_be_visible(timeout=8_000)


def test_the_wall_shows_the_newest_words_while_they_are_said(door: Door, desk: Desk) -> None:
    with talking(door) as (call, socket):
        answer = door.stack.order(
            f"calls/{call.id}/transcript/start/", {"recogniser": OFFERED.split(",", maxsplit=1)[0]}
        )
        assert answer.status == 202, answer
        row = desk.page.locator(f'[data-call="{call.id}"]')
        with socket.saying(np.concatenate([PAUSE, sine(2_000, 16_000), PAUSE]), CALLER):
            expect(row.locator(".last-line")).to_contain_text("one two", timeout=8_000)
        expect(row.locator(".last-line")).to_contain_text("one two three four five six", timeout=8_000)
        height = row.locator(".last-line").bounding_box()
        assert height is not None
        assert height["height"] < 30
        desk.page.reload()
        expect(row.locator(".last-line")).to_have_text("Caller one two three four five six")


def test_who_reads_older_turns_is_left_there(door: Door, desk: Desk) -> None:
    page = desk.page
    with talking(door) as (call, socket):
        page.goto(f"/calls/{call.id}/")
        start(page, "Parrot")
        page.wait_for_timeout(300)
        for _ in range(9):
            socket.say(np.concatenate([sine(320, 16_000), PAUSE[:7_200]]), CALLER, AGENT)
        expect(page.locator(".turn")).to_have_count(18, timeout=10_000)
        newest = page.locator(".turn").last
        expect(newest).to_be_in_viewport()
        page.locator('[data-slot="turns"]').evaluate("list => { list.scrollTop = 0 }")
        expect(page.get_by_role("button", name="Newest")).to_be_visible()
        socket.say(np.concatenate([sine(320, 16_000), PAUSE[:7_200]]), CALLER)
        expect(page.locator(".turn")).to_have_count(19)
        expect(page.locator(".turn").first).to_be_in_viewport()
        page.get_by_role("button", name="Newest").click()
        expect(page.locator(".turn").last).to_be_in_viewport()


def test_a_recogniser_that_cannot_work_says_why_on_the_page(door: Door, desk: Desk) -> None:
    page = desk.page
    with talking(door) as (call, socket):
        page.goto(f"/calls/{call.id}/")
        start(page, "Refused")
        socket.say(PAUSE, CALLER)
        expect(page.locator('[data-slot="trouble"]')).to_have_text("There is no key. Set PARROT_KEY.", timeout=8_000)
        expect(page.get_by_role("button", name="Start transcript")).to_be_visible()


def test_without_a_script_a_transcript_is_started_read_and_stopped(door: Door, browser: Browser) -> None:
    desk = Desk(browser, door.stack, LOOKS[2], java_script_enabled=False)
    page = desk.page
    with talking(door) as (call, socket):
        page.goto(f"/calls/{call.id}/")
        start(page, "Parrot")
        expect(page.get_by_text("What is said is written down from now on.")).to_be_visible()
        socket.say(np.concatenate([sine(700, 16_000), PAUSE]), CALLER)
        wait_for(lambda: door.stack.get(f"calls/{call.id}/segments/", final="true")["results"], 10)
        page.reload()
        assert spoken(page) == ["one two"]
        page.get_by_role("button", name="Stop", exact=True).click()
        wait_for(lambda: call.row()["transcript"]["state"] == "off", 10)
    call.hang_up()
    door.stack.until(call.id, lambda row: row["state"] == "ended")
    page.goto(f"/calls/{call.id}/")
    assert spoken(page) == ["one two"]
    expect(page.locator(".turn strong")).to_have_text("Caller")
    desk.close()
