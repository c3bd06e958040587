"""Every page in Chromium, at both widths and in both themes: nothing bars anybody, and nothing complains."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.desk import LOOKS, SOME_LOOKS, Desk, axe_faults
from tests.journeys.scenes import FRONT_DESK, SUPPORT, Scene, busy_desk, in_portal
from tests.journeys.stack import Stack, ask, running, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]

WIDE, PHONE = LOOKS[0], LOOKS[2]
# What a person can act on now, each marked so that the walk can tell which it has met.
MARK_CONTROLS = """() => {
  const all = document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls], [tabindex='0']");
  const found = [...all].filter((each) => !each.disabled && each.closest(":modal, body:not(:has(:modal)) *") &&
    each.checkVisibility({visibilityProperty: true}) && each.tabIndex >= 0);
  found.forEach((each, at) => { each.dataset.walk = at; });
  return found.length;
}"""
OPERATOR = """
from django.contrib.auth.models import Group, User
person, created = User.objects.get_or_create(username="operator")
if created:
    person.set_password("operator")
    person.save()
person.groups.add(Group.objects.get(name="operator"))
"""
NOT_MET = """(met) => [...document.querySelectorAll("[data-walk]")]
  .filter((each) => !met.includes(each.dataset.walk) && each.checkVisibility() && each.tabIndex >= 0)
  .map((each) => each.outerHTML.slice(0, 160))"""
SMALL = """() => [...document.querySelectorAll(
    "main .button, main .input, main select, .places > *, .tabs button, .choice > *, .control-bar .button, .menu-item")]
  .filter((each) => each.checkVisibility({visibilityProperty: true}))
  .map((each) => [each.getBoundingClientRect(), each])
  .filter(([box]) => box.height < 44 || box.width < 44)
  .map(([box, each]) => `${Math.round(box.width)} by ${Math.round(box.height)}: ${each.outerHTML.slice(0, 160)}`)"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("look")) as started:
        yield started


@pytest.fixture(scope="module")
def scene(stack: Stack) -> Iterator[Scene]:
    with busy_desk(stack) as found:
        yield found


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Desk]:
    opened = Desk(browser, stack, WIDE)
    yield opened
    opened.close()


def pages_of(scene: Scene) -> dict[str, dict[str, str]]:
    """Name → path of every page, by the user who may see it."""
    calls, stack = scene.calls, scene.stack
    event = stack.get(f"calls/{calls['ended']}/events/")["results"][0]["id"]
    live = {part: f"/calls/{calls[part]}/" for part in ("speaks", "three", "mixed", "one way", "failed", "outbound")}
    over = {part: f"/calls/{calls[part]}/" for part in ("ended", "missed", "busy")}
    return {
        "demo": {
            "wall": "/",
            "history": "/calls/",
            "no call fits": "/calls/?q=999999",
            "clips": "/clips/",
            "place": "/calls/place/",
            "search": "/search/?q=internet",
            "nothing found": "/search/?q=xylophone",
            "report": "/reports/",
            "timeline": f"/calls/{calls['three']}/timeline/",
            "event": f"/calls/{calls['ended']}/events/{event}/",
            "api": "/api/docs/",
            **live,
            **over,
        },
        "admin": {
            "design": "/design/",
            "health": "/health/",
            "jobs": "/jobs/",
            "audit": "/audit/",
            "redirect": f"/calls/{calls['ringing']}/redirect/",
            "admin": "/admin/",
            "admin calls": "/admin/calls/call/",
            "admin call": f"/admin/calls/call/{calls['speaks']}/change/",
            "admin audit": "/admin/calls/auditentry/",
            "admin takes": "/admin/calls/take/",
            "admin which policy": "/admin/calls/callpolicy/which/?caller=%2B49301234567&callee=%2B18005550100",
            "admin person": "/admin/auth/user/1/change/",
            "admin policy": "/admin/calls/callpolicy/add/",
            "admin key": "/admin/calls/apikey/add/",
            "admin place": "/admin/calls/call/place/",
        },
    }


def settle(page: Page) -> None:
    """Until what the page draws by itself is drawn: the word on its connection, its meters, the description."""
    page.wait_for_load_state("networkidle") if "/api/" in page.url else page.wait_for_load_state()
    if page.locator("acs-wall, acs-call:not([data-over])").count():
        expect(page.locator("#link-state[data-state=connected]")).to_be_attached(timeout=10_000)
    page.wait_for_timeout(300)


def faults_of(desk: Desk) -> list[Any]:
    """What axe-core finds on the page."""
    return axe_faults(desk.context, desk.page)


@pytest.mark.parametrize("look", SOME_LOOKS, ids=lambda look: f"{look[0]}-{look[2]}")
def test_no_page_has_a_fault_that_axe_finds_or_complains_or_scrolls_sideways(
    browser: Browser, scene: Scene, look: tuple[int, int, str]
) -> None:
    faults: dict[str, Any] = {}
    for user, pages in pages_of(scene).items():
        desk = Desk(browser, scene.stack, look, user)
        for name, path in pages.items():
            if name == "speaks":
                scene.speak("speaks")
            answer = desk.page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            settle(desk.page)
            wider = desk.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            said = [*desk.complaints, *([f"{wider} px too wide"] if wider > 0 else []), *faults_of(desk)]
            desk.complaints.clear()  # what axe tries itself is not the page's
            if said:
                faults[name] = said
        desk.close()
    assert not faults, json.dumps(faults, indent=2)


def test_the_sign_in_page_and_what_floats_have_no_fault_either(browser: Browser, scene: Scene) -> None:
    faults: dict[str, Any] = {}
    for look in (WIDE, LOOKS[3]):
        desk = Desk(browser, scene.stack, look, user="")
        faults[f"sign in {look}"] = faults_of(desk)
        desk._sign_in("demo")
        for name, opens in (("help", "?"), ("place", "n")):
            desk.page.keyboard.press(opens)
            expect(desk.page.get_by_role("dialog")).to_be_visible()
            faults[f"{name} {look}"] = faults_of(desk)
            desk.page.keyboard.press("Escape")
        desk.page.get_by_role("button", name="You, demo" if look is WIDE else "More").click()
        faults[f"menu {look}"] = faults_of(desk)
        desk.page.goto(f"/calls/{scene.calls['quiet']}/")
        settle(desk.page)
        desk.page.keyboard.press("h")
        expect(desk.page.get_by_role("dialog")).to_be_visible()
        faults[f"hang up {look}"] = faults_of(desk)
        desk.close()
    assert not {name: each for name, each in faults.items() if each}


@pytest.mark.parametrize("path", ["/nothing/", "/jobs/"])
def test_a_page_that_is_not_there_or_not_allowed_says_where_to_go(
    browser: Browser, stack: Stack, scene: Scene, path: str
) -> None:
    in_portal(stack, OPERATOR)
    desk = Desk(browser, stack, WIDE, "operator")
    answer = desk.page.goto(path)
    assert answer is not None
    assert answer.status == (404 if path == "/nothing/" else 403)
    assert faults_of(desk) == []
    desk.page.get_by_role("link", name="Live calls").click()
    expect(desk.page.get_by_role("heading", name="Live calls")).to_be_visible()
    desk.close()


def walk(page: Page) -> list[str]:
    """The controls that Tab does not reach from the top of the page."""
    page.evaluate("document.activeElement?.blur()")
    controls = page.evaluate(MARK_CONTROLS)
    assert controls > 5
    met = []
    for _ in range(controls * 2 + 20):
        page.keyboard.press("Tab")
        met.append(page.evaluate("document.activeElement?.dataset?.walk ?? ''"))
        if len(met) > controls and met[-1] == met[0]:
            break
    left: list[str] = page.evaluate(NOT_MET, met)
    return left


def test_every_action_is_reached_with_the_tab_key(desk: Desk, scene: Scene) -> None:
    scene.calls["waits"] = scene.stack.call_of(scene.ring(FRONT_DESK, "+14255550181"))
    paths = {"wall": "/", "history": "/calls/", "clips": "/clips/", "place": "/calls/place/"}
    paths |= {part: f"/calls/{scene.calls[part]}/" for part in ("quiet", "failed", "waits", "ended")}
    left = {}
    for name, path in paths.items():
        desk.page.goto(path)
        settle(desk.page)
        left[name] = walk(desk.page)
    assert not {name: each for name, each in left.items() if each}


def test_a_row_that_has_the_focus_shows_its_verbs(desk: Desk, scene: Scene) -> None:
    desk.page.goto("/")
    row = desk.page.locator(f'[data-call="{scene.calls["quiet"]}"]')
    verbs = row.locator(".row-verbs")
    expect(verbs).to_have_css("opacity", "0")
    row.locator("a").first.focus()
    expect(verbs).to_have_css("opacity", "1")


def test_the_list_of_keys_names_every_key_that_works_and_no_other(desk: Desk, scene: Scene) -> None:
    scene.calls["rings"] = scene.stack.call_of(scene.ring(FRONT_DESK, "+14255550183"))
    works: set[str] = {"Esc", "Ctrl ↵", "Space", "← →", "< >", "− +", "Home"}  # the last ones: test_timeline.py
    for path in ("/", "/calls/", *(f"/calls/{scene.calls[part]}/" for part in ("rings", "quiet", "ended"))):
        desk.page.goto(path)
        keys = desk.page.evaluate("[...document.querySelectorAll('[data-key]')].map((each) => each.dataset.key)")
        works |= {key.upper() for key in keys}
    desk.page.keyboard.press("?")
    expect(desk.page.get_by_role("dialog")).to_be_visible()
    listed = desk.page.evaluate("""[...document.querySelectorAll("#help .keys > :is(kbd, span:has(kbd))")]
      .map((each) => each.textContent.trim())""")
    assert sorted(listed) == sorted(works)


def test_keys_do_what_the_list_says(desk: Desk, scene: Scene) -> None:
    page = desk.page
    page.goto(f"/calls/{scene.calls['quiet']}/")
    settle(page)
    for key, focused in (("t", "text"), ("c", "clip"), ("o", "tone_hz"), ("f", "audio")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.name") == focused, key
        page.evaluate("document.activeElement.blur()")
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("0155")
    expect(page.locator("acs-wall .row:visible")).to_have_count(1)
    page.keyboard.press("Escape")


def test_a_ringing_row_is_rejected_by_a_click(desk: Desk, scene: Scene) -> None:
    emulated = scene.ring(FRONT_DESK, "+14255550184")
    call = scene.stack.call_of(emulated)
    desk.page.goto("/")
    row = desk.page.locator(f'[data-call="{call}"]')
    row.get_by_role("button", name="Reject").click()
    expect(row.get_by_text("Ended").first).to_be_visible(timeout=8_000)
    wait_for(lambda: scene.stack.emulated(emulated)["state"] == "ended")
    assert desk.complaints == []


def test_a_key_that_the_caller_presses_appears_on_the_calls_page(desk: Desk, scene: Scene) -> None:
    emulated = scene.talk("presses", SUPPORT, "+14255550185")
    desk.page.goto(f"/calls/{scene.calls['presses']}/")
    settle(desk.page)
    assert ask("POST", f"{scene.stack.emulator}/emulator/calls/{emulated}/dtmf", {"tones": "7"}).status == 202
    expect(desk.page.locator("[data-slot=events] .event").first).to_contain_text("7", timeout=5_000)
    expect(desk.page.locator(".toast")).to_contain_text("7")


def test_what_cannot_be_ordered_is_grey_and_says_why(desk: Desk, scene: Scene) -> None:
    for part, reason in (("one way", "This stream is one way"), ("failed", "Nothing streams")):
        desk.page.goto(f"/calls/{scene.calls[part]}/")
        settle(desk.page)
        speak = desk.page.get_by_role("button", name="Speak")
        expect(speak).to_have_attribute("aria-disabled", "true")
        expect(desk.page.locator("#may-speak")).to_contain_text(reason)
        desk.page.get_by_label("Text to speak").fill("Hello")
        speak.click(force=True)  # Playwright itself would wait until it is possible
        expect(desk.page.locator(".toast")).to_contain_text(reason)
    expect(desk.page.locator(".call-head")).to_contain_text("Azure could not open our media socket.")


def test_a_chosen_theme_survives_a_reload(desk: Desk, scene: Scene) -> None:
    page = desk.page
    themes = []
    for _ in range(3):
        page.get_by_role("button", name="You, demo").click()
        page.locator("#me [data-theme-next]").click()
        page.reload()
        themes.append((page.evaluate("document.documentElement.dataset.theme ?? ''"), background(page)))
    assert [name for name, _ in themes] == ["light", "dark", ""]
    assert themes[0][1] == themes[2][1] != themes[1][1]


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_what_a_thumb_presses_is_44_px_wide_and_high(browser: Browser, scene: Scene) -> None:
    scene.calls["thumb"] = scene.stack.call_of(scene.ring(FRONT_DESK, "+14255550186"))
    desk = Desk(browser, scene.stack, PHONE, has_touch=True, is_mobile=True)
    small = {}
    paths = {"wall": "/", "history": "/calls/", "clips": "/clips/", "place": "/calls/place/"}
    paths |= {part: f"/calls/{scene.calls[part]}/" for part in ("quiet", "thumb", "ended")}
    for name, path in paths.items():
        desk.page.goto(path)
        settle(desk.page)
        small[name] = desk.page.evaluate(SMALL)
        for tab in desk.page.locator("[data-shows-tab]").all():
            tab.click()
            small[f"{name}, {tab.inner_text()}"] = desk.page.evaluate(SMALL)
    desk.close()
    assert not {name: each for name, each in small.items() if each}
