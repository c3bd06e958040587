"""A call listened to afterwards: a real recording, played by Chromium in the page that people use."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from acsportal.demo import JOB_WORKER, SUPPORT_LINE
from streaming.audio import to_pcm, tone, wav
from tests.journeys.desk import LOOKS, Desk, axe_faults
from tests.journeys.stack import Stack, ask, multipart, running, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.browser]
SUPPORT = {"caller": "+14255550123", "callee": SUPPORT_LINE}
TAPE = "document.querySelector('acs-player').tape"


def ring(stack: Stack) -> str:
    spoken, silence = to_pcm(tone(300, 2_000, 16_000)), np.zeros(4 * 16_000, np.int16)
    sound = wav(np.concatenate([silence[:8_000], spoken, silence, spoken, silence]), 16_000)
    body, headers = multipart({"caller": SUPPORT["caller"], "callee": SUPPORT["callee"]}, {"audio": ("a.wav", sound)})
    answer = ask("POST", f"{stack.emulator}/emulator/calls", body, headers)
    assert answer.status == 201, answer
    rung: str = answer.json["id"]
    return rung


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A call of about 12 s, recorded as its policy says: the caller speaks, is silent for 4 s and speaks again; we play
    a tone."""
    with running(tmp_path_factory.mktemp("timeline")) as stack:
        stack.demo.start("worker", *JOB_WORKER)
        emulated = ring(stack)
        found = stack.call_of(emulated)
        stack.until(found, lambda row: row["recording"]["state"] == "recording")
        tone = stack.order(f"calls/{found}/injections/", {"tone_hz": 440, "duration_ms": 1_500}).json["id"]
        assert stack.played(found, tone)["state"] == "done"
        wait_for(lambda: (stack.get(f"calls/{found}/")["duration_s"] or 0) > 11, 20, "the call has lasted a while")
        stack.caller_hangs_up(emulated)

        def tracks() -> list[str]:
            return [each["state"] for each in stack.get(f"calls/{found}/recordings/")["results"]]

        wait_for(lambda: tracks() and set(tracks()) == {"complete"}, 30, "the recording is finished")
        yield stack, found


@pytest.fixture
def desk(recorded: tuple[Stack, str], browser: Browser) -> Iterator[Desk]:
    stack, found = recorded
    opened = Desk(browser, stack, LOOKS[0])
    opened.page.goto(f"/calls/{found}/")
    expect(opened.page.locator(".player-lane").first).to_be_visible()
    yield opened
    assert opened.complaints == []
    opened.close()


def at_s(page: Page) -> float:
    found: float = page.evaluate(f"{TAPE}.at")
    return found


def playing(page: Page) -> dict[str, float]:
    """Where each track that sounds is, by its voice."""
    found: dict[str, float] = page.evaluate(
        f"""Object.fromEntries({TAPE}.tracks.flatMap((track) => {{
          const player = {TAPE}.players.get(track.id);
          return player && !player.paused ? [[track.lane, player.currentTime + track.offset_s]] : [];
        }}))"""
    )
    return found


def test_every_track_plays_at_the_same_moment_of_the_call(desk: Desk) -> None:
    page, answers = desk.page, []
    page.on("response", lambda answer: answers.append(answer.status) if "/audio/" in answer.url else None)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    wait_for(lambda: len(playing(page)) == 2 and min(playing(page).values()) > at_s(page) - 0.3 and at_s(page) > 4, 15)
    moments = playing(page)
    assert max(moments.values()) - min(moments.values()) < 0.25, moments
    assert set(answers) == {206}, "sound is asked for in ranges"
    page.keyboard.press(" ")
    stopped = at_s(page)
    page.wait_for_timeout(400)
    assert at_s(page) == stopped


def test_a_link_leads_to_its_second_and_keys_move_on(desk: Desk, recorded: tuple[Stack, str]) -> None:
    page = desk.page
    page.goto(f"/calls/{recorded[1]}/?t=6.3")
    expect(page.locator(".player-time [data-slot=time]")).to_have_text("0:06.3")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".player-time [data-slot=time]")).to_have_text("0:07.3")
    page.keyboard.press("Home")
    expect(page.locator(".player-time [data-slot=time]")).to_have_text("0:00.0")
    page.locator(".player-mark").last.click()
    assert at_s(page) > 9


def test_a_voice_is_heard_alone_or_not_at_all_and_faster(desk: Desk) -> None:
    page = desk.page
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for(lambda: len(playing(page)) == 2, 15, "both tracks play")
    muted = f"{TAPE}.tracks.filter((track) => {TAPE}.players.get(track.id)?.muted).map((track) => track.lane)"
    page.get_by_role("button", name="Hear Caller alone").click()
    assert page.evaluate(muted) == ["us"]
    page.get_by_role("button", name="Hear Caller alone").click()
    page.get_by_role("button", name="Mute We").click()
    assert page.evaluate(muted) == ["us"]
    page.get_by_text("2×").click()
    assert page.evaluate(f"[...{TAPE}.players.values()].map((player) => player.playbackRate)") == [2, 2]


def test_silence_is_skipped_when_asked(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("k")
    expect(page.get_by_role("button", name=re.compile("Skip silence"))).to_have_attribute("aria-pressed", "true")
    long = "([end, from]) => from - end > 1.6"
    gaps: list[list[float]] = page.evaluate(
        f"{TAPE}.talk.slice(1).map(([from], at) => [{TAPE}.talk[at][1], from]).filter({long})"
    )
    assert gaps, "the caller was silent for 4 s"
    page.evaluate(f"{TAPE}.seek({gaps[0][0] + 0.5})")
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for(lambda: at_s(page) >= gaps[0][1] - 0.3, 1.5, "the silence is jumped over")


def test_the_waveform_is_drawn_of_what_is_seen_alone(desk: Desk) -> None:
    page, asked = desk.page, []
    page.on("request", lambda request: asked.append(request.url) if "/peaks/" in request.url else None)
    page.get_by_role("button", name="Look closer").click()
    wait_for(lambda: len(asked) >= 2, 5, "peaks of the closer view")
    page.wait_for_timeout(300)
    spans = [[float(each) for each in re.findall(r"(?:from_s|until_s)=([\d.]+)", url)] for url in asked]
    assert all(until - from_s < 8 for from_s, until in spans), spans
    painted = page.evaluate(
        """[...document.querySelectorAll('.player-wave > div')].map((host) =>
          [...host.shadowRoot.querySelectorAll('canvas')].some((canvas) => {
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.some((value) => value > 0);
          }))"""
    )
    assert painted == [True, True]


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[3]], ids=["wide", "phone"])
def test_the_page_has_no_fault_that_axe_finds(
    recorded: tuple[Stack, str], browser: Browser, look: tuple[int, int, str]
) -> None:
    stack, found = recorded
    desk = Desk(browser, stack, look)
    desk.page.goto(f"/calls/{found}/")
    expect(desk.page.locator(".player-wave").first).to_be_visible()
    desk.page.wait_for_timeout(500)
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= look[0]
    assert desk.complaints == []
    assert axe_faults(desk.context, desk.page) == []
    desk.close()
