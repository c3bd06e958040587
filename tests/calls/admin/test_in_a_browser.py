"""The admin in Chromium under the portal's own policy: nothing is blocked, nothing sticks out, and it works."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from calls.models import CallEvent, CallPolicy, Injection
from calls.services import PORTAL, SayText, add_clip, inject
from tests.calls.scene import LIST, ended_call, live_call, root, upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Visit:
    """A signed-in visit that remembers what the browser complained about."""

    def __init__(self, browser: Browser, url: str, session: str, width: int, theme: str) -> None:
        self.complaints: list[str] = []
        self.url = url
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 860}, color_scheme="dark" if theme == "dark" else "light"
        )
        self.context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def open(self, path: str) -> None:
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == 200, path
        wider = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{path} is {wider} px too wide"


@pytest.fixture
def world(lacks: Callable[[str], NoReturn]) -> tuple[str, list[str]]:
    """A signed-in superuser's session, and every page of the admin that has rows to show."""
    if CHROMIUM is None:
        lacks("Chromium")
    call = live_call()
    inject(PORTAL, call, SayText("Thank you for waiting. Somebody will be with you as soon as a line is free."))
    live_call("+14255550190", streams=False)
    ended_call()
    clip = add_clip(PORTAL, "Welcome", upload())
    policy, _ = CallPolicy.objects.get_or_create(name="Everyone else", defaults={"position": 1000})
    event = CallEvent.objects.filter(type="IncomingCall").get()
    sound = Injection.objects.get()
    lists = (
        "call",
        "callevent",
        "streamsession",
        "participant",
        "injection",
        "command",
        "clip",
        "callpolicy",
        "apikey",
    )
    pages = ["/admin/", *(f"/admin/calls/{name}/" for name in lists), "/admin/auth/user/"]
    pages += [f"{LIST}{call.pk}/change/", f"{LIST}place/", f"/admin/calls/callevent/{event.pk}/change/"]
    pages += [f"/admin/calls/clip/{clip.pk}/change/", "/admin/calls/clip/add/", "/admin/calls/apikey/add/"]
    pages += [f"/admin/calls/callpolicy/{policy.pk}/change/", f"/admin/calls/injection/{sound.pk}/change/"]
    return root().cookies["sessionid"].value, pages


@pytest.fixture
def browser(world: tuple[str, list[str]]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_every_page_fits_and_nothing_of_it_is_blocked(
    live_server: LiveServer, world: tuple[str, list[str]], browser: Browser, width: int, theme: str
) -> None:
    session, pages = world
    visit = Visit(browser, live_server.url, session, width, theme)
    for path in pages:
        visit.open(path)
    assert visit.complaints == []


def test_a_sound_is_chosen_by_kind_and_ordered(
    live_server: LiveServer, world: tuple[str, list[str]], browser: Browser
) -> None:
    visit = Visit(browser, live_server.url, world[0], 1440, "light")
    visit.open(LIST)
    page = visit.page
    row = page.locator("#result_list tbody tr", has_text="+1 425 555 0123")
    row.locator(".action-select").check()
    page.select_option("select[name=action]", "inject_audio")
    page.click("button[name=index]")
    page.locator("textarea[name=text]").wait_for()
    assert not page.locator("input[name=tone_hz]").is_visible()
    page.check("input[name=kind][value=tone]")
    assert page.locator("input[name=tone_hz]").is_visible()
    assert not page.locator("textarea[name=text]").is_visible()
    page.click("input[type=submit].default")
    page.locator(".messagelist", has_text="the sound is queued").wait_for()
    assert visit.complaints == []


def test_the_chosen_theme_is_the_consoles_theme_too(
    live_server: LiveServer, world: tuple[str, list[str]], browser: Browser
) -> None:
    visit = Visit(browser, live_server.url, world[0], 1440, "light")
    visit.open("/admin/")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert visit.page.evaluate(ground) == "rgb(246, 247, 249)"
    visit.page.click(".theme-toggle >> visible=true")
    assert visit.page.evaluate(ground) == "rgb(11, 13, 16)"
    assert visit.page.evaluate("localStorage.getItem('theme')") == "dark"
    visit.page.goto(live_server.url + "/login/")
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
