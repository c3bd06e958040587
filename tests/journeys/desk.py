"""A signed-in browser page in Chromium, and everything that its console said."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.journeys.stack import Stack

LOOKS = [(1440, 960, "light"), (1440, 960, "dark"), (390, 844, "light"), (390, 844, "dark")]
CHROMIUM = shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, without a window."""
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *quiet])
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
