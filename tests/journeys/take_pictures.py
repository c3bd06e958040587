"""Takes the pictures of the README from a busy desk: `python -m tests.journeys.take_pictures`; needs Chromium."""

import sys
import tempfile
import time
from pathlib import Path

from tests.journeys.desk import CHROMIUM, Desk, chromium
from tests.journeys.scenes import Scene, busy_desk
from tests.journeys.stack import ask, running

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
        desk = Desk(browser, stack, LOOK)
        take(desk, scene)
        desk.close()
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
        assert picture.stat().st_size <= MOST_BYTES, f"{picture.name} is larger than {MOST_BYTES / 1000:.0f} kB"


if __name__ == "__main__":
    main()
