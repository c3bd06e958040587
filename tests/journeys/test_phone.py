"""A person at the emulator's phone page talks to a real portal, in Chromium with a microphone that hears a tone."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.desk import CHROMIUM, LOOKS, SOME_LOOKS, axe_faults, chromium
from tests.journeys.stack import Stack, ask, main_frequency_hz, running, sounding, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]

SPOKEN_HZ, INJECTED_HZ = 440, 620


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("phone")) as started:
        yield started


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, lacks: Callable[[str], NoReturn]) -> Iterator[Browser]:
    if CHROMIUM is None:
        lacks("Chromium")
    spoken = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    at_s = np.arange(48_000 * 2) / 48_000
    soundfile.write(spoken, 0.25 * np.sin(2 * np.pi * SPOKEN_HZ * at_s), 48_000)
    with chromium(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
    ) as opened:
        yield opened


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    said: list[str] = []
    yield said
    assert not said


@pytest.fixture
def open_phone(browser: Browser, stack: Stack, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def opened(look: tuple[int, int, str] = LOOKS[0]) -> Page:
        width, height, scheme = look
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["microphone"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(stack.emulator)
        expect(page.locator("#state-chip")).to_have_text("Ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    wait_for(lambda: not [call for call in emulated_calls(stack) if call["state"] != "ended"], 10, "all hung up")


def emulated_calls(stack: Stack) -> list[Any]:
    return list(ask("GET", f"{stack.emulator}/emulator/calls").json["results"])


def dial(page: Page, stack: Stack) -> tuple[str, str]:
    """A call that streams: the emulator's id and the portal's."""
    page.get_by_role("button", name="Support").click()
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#state-chip")).to_have_text("On a call", timeout=15_000)
    expect(page.locator("#line")).to_contain_text("streaming")
    emulated = str(emulated_calls(stack)[0]["id"])
    return emulated, stack.call_of(emulated)


def own_number(page: Page) -> str:
    """Another phone may still have the first number, in the seconds after its page was closed."""
    return page.get_by_label("This phone").input_value().replace(" ", "")


def level_db(page: Page, meter: str) -> float:
    """As the page shows it; silence is −60."""
    text = page.locator(f"#{meter} [data-slot=level]").inner_text()
    return -float(text[1:-3]) if text.startswith("−") else -60.0


@pytest.mark.alone
def test_a_person_dials_talks_hears_presses_keys_and_hangs_up(stack: Stack, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    emulated, call = dial(page, stack)
    speaker = f"4:{own_number(page)}"
    found = stack.until(call, lambda row: row["levels"].get(speaker, {}).get("speaking"))
    assert found["levels"][speaker]["rms_dbfs"] == pytest.approx(
        -15, abs=4
    )  # 0.25 of full scale, as the microphone heard it
    order = stack.order(f"calls/{call}/injections/", {"tone_hz": INJECTED_HZ, "duration_ms": 4000})
    assert order.status == 202
    wait_for(lambda: level_db(page, "meter-ear") > -30, 10, "the page hears the tone")
    page.keyboard.type("12#")
    wait_for(lambda: keys_of(stack, call) == ["1", "2", "#"], 10, "the portal lists the keys")
    assert stack.played(call, order.json["id"])["state"] == "done"
    wait_for(lambda: level_db(page, "meter-ear") == -60, 10, "the tone is over")
    heard, rate_hz = stack.heard(emulated)
    tone = sounding(heard)
    assert tone.size / rate_hz == pytest.approx(4, abs=0.05)
    assert main_frequency_hz(tone, rate_hz) == pytest.approx(INJECTED_HZ, abs=0.5)
    page.get_by_role("button", name="Hang up", exact=True).click()
    expect(page.locator("#status")).to_have_text("You hung up.")
    over = stack.until(call, lambda row: row["state"] == "ended")
    assert (over["end"]["code"], over["end"]["subcode"]) == (200, 0)


def keys_of(stack: Stack, call: str) -> list[str]:
    events = stack.get(f"calls/{call}/events/")["results"]
    pressed = sorted((each for each in events if each["type"] == "DtmfPressed"), key=lambda each: each["received_at"])
    return [each["text"][-1] for each in pressed]


def test_the_portal_calls_the_phone_and_a_person_answers(stack: Stack, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    placed = stack.order("calls/", {"callee": own_number(page), "caller": "+18005550100"})
    assert placed.status == 201
    expect(page.locator("#state-chip")).to_have_text("Rings")
    assert stack.get(f"calls/{placed.json['id']}/")["state"] != "connected"
    speaker = f"4:{own_number(page)}"
    page.get_by_role("button", name="Answer").click()
    call = stack.until(placed.json["id"], lambda row: row["levels"].get(speaker, {}).get("speaking"))
    assert call["state"] == "connected"
    assert stack.order(f"calls/{placed.json['id']}/hang-up/").status == 202
    expect(page.locator("#status")).to_have_text("The portal hung up.")


def test_a_declined_call_is_declined_at_the_portal(stack: Stack, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    placed = stack.order("calls/", {"callee": own_number(page), "caller": "+18005550100"})
    expect(page.locator("#state-chip")).to_have_text("Rings")
    page.get_by_role("button", name="Decline").click()
    over = stack.until(placed.json["id"], lambda row: row["state"] in {"ended", "failed"})
    assert (over["end"]["code"], over["end"]["subcode"]) == (403, 560403)
    expect(page.locator("#state-chip")).to_have_text("Ready")


@pytest.mark.parametrize("look", SOME_LOOKS, ids=lambda look: f"{look[0]}-{look[2]}")
def test_the_page_has_no_fault_that_axe_finds_and_does_not_scroll_sideways(
    stack: Stack, open_phone: Callable[..., Page], look: tuple[int, int, str], complaints: list[str]
) -> None:
    page = open_phone(look)
    faults: dict[str, Any] = {}

    def look_at(state: str) -> None:
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        small = page.evaluate("""[...document.querySelectorAll(".key, .round .disc")]
          .filter((each) => each.checkVisibility() && each.getBoundingClientRect().width < 44).length""")
        said = [*complaints, *([f"{wider} px too wide"] if wider > 0 else []), *axe_faults(page.context, page)]
        complaints.clear()  # what axe tries itself is not the page's
        faults[state] = [*said, *([f"{small} keys are small"] if small else [])]

    look_at("idle")
    dial(page, stack)
    look_at("on a call")
    page.get_by_role("button", name="Mute").click()
    expect(page.locator("#status")).to_have_text("You are muted.")
    look_at("muted")
    page.get_by_role("button", name="Hang up", exact=True).click()
    expect(page.locator("#status")).to_have_text("You hung up.")
    look_at("ended")
    page.keyboard.press("1")
    stack.order("calls/", {"callee": own_number(page), "caller": "+18005550100"})
    expect(page.locator("#state-chip")).to_have_text("Rings")
    look_at("rings")
    page.keyboard.press("Escape")
    assert not {state: each for state, each in faults.items() if each}, json.dumps(faults, indent=2)
