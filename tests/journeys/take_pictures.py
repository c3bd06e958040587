"""Takes the pictures of the README from a busy desk: `python -m tests.journeys.take_pictures`; needs Chromium."""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, expect

from acsportal.demo import JOB_WORKER
from tests.journeys.desk import CHROMIUM, Desk, chromium
from tests.journeys.scenes import Scene, busy_desk
from tests.journeys.stack import Stack, ask, running, wait_for

PICTURES = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"
LOOK = (1440, 900, "light")
MOST_BYTES = 300_000
MINUTE_S = 45  # so much of the last minute is drawn


def take(desk: Desk, scene: Scene) -> None:
    page = desk.page
    scene.speak("speaks")
    page.goto("/")
    time.sleep(3)
    page.screenshot(path=PICTURES / "wall.png")
    ask("POST", f"{scene.stack.emulator}/emulator/calls/{scene.rung[-2]}/dtmf", {"tones": "1"})
    time.sleep(MINUTE_S)
    scene.speak("speaks", "Is there anything else that we can help you with today?")
    scene.speak("speaks", "Then I wish you a good day. Goodbye.")
    page.goto(f"/calls/{scene.calls['speaks']}/")
    time.sleep(1.8)
    page.screenshot(path=PICTURES / "call.png")


def take_ended(desk: Desk, scene: Scene) -> None:
    """The same call afterwards, with its recording."""
    page, stack, call = desk.page, scene.stack, scene.calls["speaks"]
    stack.order(f"calls/{call}/hang-up/")

    def is_finished() -> bool:
        tracks = stack.get(f"calls/{call}/recordings/")["results"]
        return bool(tracks) and {each["state"] for each in tracks} == {"complete"}

    wait_for(is_finished, 60, "the recording is finished")
    time.sleep(6)  # until its talk is added up
    page.goto(f"/calls/{call}/?t=31.4")
    time.sleep(2)
    page.screenshot(path=PICTURES / "ended.png")


def take_phone(browser: Browser, stack: Stack) -> None:
    """Somebody without a microphone talks with the sample voice, and we answer."""
    page = browser.new_page(viewport={"width": 1240, "height": 848})
    page.goto(stack.emulator)
    page.locator("label", has_text="Voice").click()
    page.get_by_role("button", name="Support").click()
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#state-chip")).to_have_text("On a call", timeout=15_000)
    calls = ask("GET", f"{stack.emulator}/emulator/calls").json["results"]
    call = stack.call_of(next(row["id"] for row in calls if row["state"] == "connected" and row["scenario"] == "phone"))
    for text in (
        "Good morning, this is support. What can I do for you?",
        "One moment, please. I will have a look at your router from here. It takes a few seconds.",
    ):
        stack.order(f"calls/{call}/injections/", {"text": text})
    wait_for(lambda: page.locator("#timer").inner_text() >= "0:10", 30)
    page.screenshot(path=PICTURES / "phone.png")
    page.close()


def main() -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is needed; install it and try again.")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as stack,
        chromium() as browser,
        busy_desk(stack) as scene,
    ):
        stack.demo.start("worker", *JOB_WORKER)
        desk = Desk(browser, stack, LOOK)
        take(desk, scene)
        take_ended(desk, scene)
        desk.close()
        take_phone(browser, stack)
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
        assert picture.stat().st_size <= MOST_BYTES, f"{picture.name} is larger than {MOST_BYTES / 1000:.0f} kB"


if __name__ == "__main__":
    main()
