"""An operator's desk in Chromium: a meter moves, a text is spoken, sound is stopped; a lost connection heals."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from acsportal.demo import daphne
from tests.journeys.desk import LOOKS, Desk
from tests.journeys.stack import Stack, main_frequency_hz, running, sounding, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]

PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}
SALES = {"caller": "+442079460123", "callee": "+18005550101", "scenario": "sales"}
FRONT_DESK = {"caller": "+14255550188", "callee": "+18005550102", "scenario": "support"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("desk")) as started:
        yield started


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Desk]:
    opened = Desk(browser, stack, LOOKS[0])
    yield opened
    opened.close()


def row_of(page: Page, call: str) -> Locator:
    return page.locator(f'[data-call="{call}"]')


def states(stack: Stack, call: str) -> list[str]:
    """How a call's injections stand, the newest first."""
    return [each["state"] for each in stack.get(f"calls/{call}/injections/")["results"]]


def pictures_of(meters: Locator, seconds: float) -> int:
    """How many different looks the meters of a row have in so many seconds."""
    seen = set()
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        seen.add(meters.screenshot(animations="allow"))
    return len(seen)


def test_an_operator_sees_a_meter_move_speaks_stops_and_hangs_up(stack: Stack, desk: Desk) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    page = desk.page
    row = row_of(page, call)
    expect(row).to_be_visible(timeout=5_000)  # it came by itself, the page was open before
    assert pictures_of(row.locator('[data-slot="legs"]'), 3) > 5
    row.locator("a").first.click()
    page.wait_for_url(f"**/calls/{call}/")
    page.get_by_placeholder("What should the caller hear?").fill("Good morning. One moment please.")
    page.get_by_role("button", name="Speak").click()
    wait_for(
        lambda: [each for each in stack.get(f"calls/{call}/injections/")["results"] if each["state"] == "done"], 15
    )
    assert sounding(stack.heard(emulated)[0]).size > 16_000
    page.locator('[data-way-of="tone"]').click()
    page.locator("[name=duration_ms]").fill("30000")
    page.get_by_role("button", name="Play tone").click()
    expect(page.locator('[data-slot="now-words"]')).to_contain_text("440", timeout=8_000)
    time.sleep(1.5)
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 5, "y": 300})
    page.keyboard.press(".")
    wait_for(lambda: states(stack, call) == ["stopped", "done"])
    samples, rate_hz = stack.heard(emulated)
    tail = sounding(samples)[-rate_hz:]
    assert abs(main_frequency_hz(tail, rate_hz) - 440) < 2
    page.keyboard.press("h")
    page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    wait_for(lambda: stack.emulated(emulated)["state"] == "ended")
    expect(page.get_by_text("Ended").first).to_be_visible(timeout=8_000)
    page.goto("/")
    assert desk.complaints == []


def test_a_ringing_call_is_answered_on_the_wall_by_a_click(stack: Stack, desk: Desk) -> None:
    emulated = stack.ring(**FRONT_DESK)
    call = stack.call_of(emulated)
    row = row_of(desk.page, call)
    row.get_by_role("button", name="Answer").click()
    expect(row.get_by_text("Live").first).to_be_visible(timeout=8_000)
    stack.caller_hangs_up(emulated)
    expect(row.get_by_text("Ended").first).to_be_visible(timeout=8_000)
    assert desk.complaints == []


def test_an_outbound_call_is_placed_from_the_wall(stack: Stack, desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Number to call").fill("+14255550171")
    dialog.get_by_role("button", name="Place").click()
    found = wait_for(lambda: stack.get("calls/", callee="+14255550171")["results"])
    stack.until(found[0]["id"], lambda row: row["state"] == "connected")
    stack.order(f"calls/{found[0]['id']}/hang-up/")


def test_a_lost_connection_is_said_and_heals_with_the_right_state(
    stack: Stack, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("lost")) as own:
        emulated, call = own.streaming_call(**SUPPORT)
        desk = Desk(browser, own, LOOKS[0])
        page = desk.page
        expect(row_of(page, call)).to_be_visible()
        portal = own.demo.children[-1]
        portal.process.terminate()
        portal.process.wait(10)
        expect(page.locator("[data-link=lost], .lost").first).to_be_visible(timeout=10_000)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / "wall-lost-1440-light.png")
        own.caller_hangs_up(emulated)
        own.demo.children.remove(portal)
        again = own.demo.start("portal", *daphne(own.demo.options.port))
        own.demo.wait_until(f"{own.portal}/readyz", again)
        emulated, call = own.streaming_call(**SALES)
        expect(row_of(page, call)).to_be_visible(timeout=20_000)
        expect(page.locator("[data-link=lost], .lost").first).to_be_hidden(timeout=10_000)
        assert [each for each in desk.complaints if "WebSocket connection" not in each] == []
        desk.close()


def test_a_call_that_talks_already_when_the_wall_hears_of_it_is_shown_with_its_meters(stack: Stack, desk: Desk) -> None:
    page = desk.page
    expect(page.locator("#link-state[data-state=connected]")).to_be_attached()
    page.evaluate("document.querySelector('acs-wall').socket.leave()")
    emulated, call = stack.streaming_call(**SUPPORT)
    page.evaluate("document.querySelector('acs-wall').socket.open()")
    expect(row_of(page, call).locator("acs-meter").first).to_be_visible(timeout=10_000)
    assert desk.complaints == []
    stack.caller_hangs_up(emulated)


@pytest.mark.soak
def test_pages_are_photographed_at_two_widths_in_two_themes(stack: Stack, browser: Browser) -> None:
    first, call = stack.streaming_call(**SUPPORT)
    second, _ = stack.streaming_call(**SALES)
    stack.order(
        f"calls/{call}/injections/", {"text": "Your refund was sent today. It reaches your card in three days."}
    )
    over = stack.get("calls/", state="ended")["results"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    pages = {"wall": "/", "call-live": f"/calls/{call}/", "history": "/calls/", "clips": "/clips/"}
    if over:
        pages["call-ended"] = f"/calls/{over[0]['id']}/"
    for look in LOOKS:
        desk = Desk(browser, stack, look)
        for name, path in pages.items():
            desk.page.goto(path)
            time.sleep(1.0)
            desk.page.screenshot(path=PICTURES / f"{name}-{look[0]}-{look[2]}.png")
            overflow = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} at {look[0]} px scrolls sideways by {overflow} px"
        assert desk.complaints == [], look
        desk.close()
    stack.caller_hangs_up(first)
    stack.caller_hangs_up(second)


def test_a_call_page_is_complete_without_javascript_and_its_forms_work(stack: Stack, browser: Browser) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    context = browser.new_context(java_script_enabled=False, base_url=stack.portal)
    page = context.new_page()
    page.goto(f"/login/?next=/calls/{call}/")
    page.get_by_label("User name").fill("demo")
    page.locator("#id_password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Connected").first).to_be_visible()
    expect(page.get_by_text("16 kHz").first).to_be_visible()
    page.get_by_placeholder("What should the caller hear?").fill("Hello from a plain page.")
    page.get_by_role("button", name="Speak").click()
    wait_for(lambda: states(stack, call) == ["done"])
    page.get_by_role("button", name="Hang up").first.click()
    wait_for(lambda: stack.emulated(emulated)["state"] == "ended")
    context.close()
