"""A signed-in browser page in Chromium, and everything that its console said."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.journeys.stack import Stack

LOOKS = [(1440, 960, "light"), (1440, 960, "dark"), (390, 844, "light"), (390, 844, "dark")]
# The widest and the narrowest everywhere, the two between in the soak.
SOME_LOOKS = [LOOKS[0], LOOKS[3], *(pytest.param(each, marks=pytest.mark.soak) for each in LOOKS[1:3])]
CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe" / "axe.min.js"
# Swagger UI draws a page of its own inside ours, with a second <main>; what it does there is not ours to mend.
FIND_FAULTS = """(async () => {
  const swagger = document.getElementById("swagger-ui");
  const rules = {"landmark-no-duplicate-main": {enabled: !swagger}};
  const found = await axe.run({exclude: swagger ? [swagger] : []}, {resultTypes: ["violations"], rules});
  return JSON.stringify(found.violations.map((each) => [each.id, each.nodes.map((node) =>
    `${node.target.join(" ")}: ${node.failureSummary.replace(/\\s+/g, " ").slice(0, 200)}`)]));
})()"""


@contextmanager
def chromium(*switches: str) -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *quiet, *switches])
        yield browser
        browser.close()


class Desk:
    """One page of one user; nobody signs in if `user` is empty. `context` is what Playwright's contexts take."""

    def __init__(
        self, browser: Browser, stack: Stack, look: tuple[int, int, str], user: str = "demo", **context: Any
    ) -> None:
        width, height, scheme = look
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            base_url=stack.portal.replace("127.0.0.1", "localhost"),
            **context,
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto("/login/")
        if user:
            self._sign_in(user)

    def _sign_in(self, user: str) -> None:
        self.page.get_by_label("User name").fill(user)
        self.page.locator("#id_password").fill(user)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: not url.endswith("/login/"))
        self.page.wait_for_load_state()

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def close(self) -> None:
        self.context.close()


def axe_faults(context: BrowserContext, page: Page) -> list[Any]:
    """What axe-core finds; it comes by the debugger's door, because our policy lets in no foreign script."""
    debugger = context.new_cdp_session(page)
    debugger.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    answer = debugger.send("Runtime.evaluate", {"expression": FIND_FAULTS, "awaitPromise": True})
    debugger.detach()
    found: list[Any] = json.loads(answer["result"]["value"])
    return found
