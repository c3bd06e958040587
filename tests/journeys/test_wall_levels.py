"""The wall tells the portal which calls are on the screen, and is sent the levels of these."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.journeys.desk import Desk
from tests.journeys.stack import Stack, running, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]

PHONE = (390, 600, "light")
CALLS = 10


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("levels")) as started:
        for number in range(CALLS):
            started.ring(caller=f"+1425555{3000 + number}", callee="+18005550100", scenario="support")
        wait_for(lambda: len(started.get("calls/", state="connected")["results"]) >= CALLS, 60, f"{CALLS} calls talk")
        yield started


class Overheard:
    """What the newest socket of a page is told."""

    def __init__(self, page: Page) -> None:
        self.levels: list[Any] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        self.levels.clear()
        socket.on("framereceived", self._take)

    def _take(self, text: str | bytes) -> None:
        message = json.loads(text)
        if message["kind"] == "levels":
            self.levels.append(message)


def on_screen(page: Page) -> set[str]:
    """The calls of which some of the row is in the window."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll(".row")].filter((row) => {
      const {top, bottom, height} = row.getBoundingClientRect();
      return height && bottom > 0 && top < innerHeight;
    }).map((row) => row.dataset.call)""")
    return set(found)


def settled(page: Page, overheard: Overheard) -> set[str]:
    """The calls whose levels are sent, once the portal knows of the screen."""
    page.wait_for_timeout(1_000)
    overheard.levels.clear()
    page.wait_for_timeout(500)
    assert len(overheard.levels) >= 3
    return {call for message in overheard.levels for call in message["calls"]}


def test_a_wall_is_sent_the_levels_of_the_rows_on_its_screen(browser: Browser, stack: Stack) -> None:
    desk = Desk(browser, stack, PHONE)
    page = desk.page
    overheard = Overheard(page)
    page.goto("/")
    expect(page.locator('.row[data-phase="talking"]')).to_have_count(CALLS, timeout=20_000)
    top = settled(page, overheard)
    assert on_screen(page) <= top
    assert len(top) < CALLS
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    bottom = settled(page, overheard)
    assert on_screen(page) <= bottom
    assert not top >= bottom
    meter = page.locator(".row acs-meter").last
    expect(meter).not_to_have_attribute("aria-valuetext", "no stream")
    assert desk.complaints == []
    desk.close()


def test_a_wall_that_comes_back_tells_again_what_it_shows(browser: Browser, stack: Stack) -> None:
    desk = Desk(browser, stack, PHONE)
    page = desk.page
    overheard = Overheard(page)
    page.goto("/")
    expect(page.locator("#link-state[data-state=connected]")).to_be_attached()
    before = settled(page, overheard)
    page.evaluate("document.querySelector('acs-wall').socket.open()")
    assert settled(page, overheard) == before
    assert desk.complaints == []
    desk.close()
