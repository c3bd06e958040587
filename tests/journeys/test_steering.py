"""What is kept of a call is steered while it lasts: paused, held back for a moment, and recorded by Azure as well."""

import io
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from streaming.recording.wal import read_take
from tests.journeys.desk import LOOKS, Desk
from tests.journeys.stack import Stack, ask, multipart, wait_for

pytestmark = [pytest.mark.journey]

RATE_HZ = 16_000
RECORDED_LINE = "+18005550177"
SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}
SENSITIVE_S = 5
# Between an order and its effect on the sound, and between what is sent and what a track has, there is a moment.
EDGE_S = 0.3


@pytest.fixture
def line(stack: Stack) -> Iterator[Stack]:
    """A line whose policy records from the first frame on."""
    policy = {
        "name": "Recorded line",
        "position": 0,
        "callee_pattern": RECORDED_LINE,
        "action": "answer",
        "recording": {"start": "now"},
    }
    made = stack.order("policies/", policy)
    assert made.status == 201, made
    yield stack
    ask("DELETE", f"{stack.portal}/api/v1/policies/{made.json['id']}/", headers=stack.key)


def noise(seconds: float) -> bytes:
    """Sound without a pause: no sample is zero."""
    dice = np.random.default_rng(7)
    count = round(seconds * RATE_HZ)
    samples = (dice.integers(500, 9_000, count) * dice.choice((-1, 1), count)).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def ring(stack: Stack) -> tuple[str, str]:
    """Somebody calls the recorded line and never stops talking."""
    fields = {"caller": "+14255550166", "callee": RECORDED_LINE, "loop": "true"}
    body, headers = multipart(fields, {"audio": ("caller.wav", noise(4))})
    answer = ask("POST", f"{stack.emulator}/emulator/calls", body, headers)
    assert answer.status == 201, answer
    return str(answer.json["id"]), stack.call_of(str(answer.json["id"]))


def ordered(stack: Stack, call: str, path: str, content: Any = None) -> Any:
    """The order is carried out."""
    answer = stack.order(f"calls/{call}/{path}/", content)
    assert answer.status == 202, answer
    done = wait_for(
        lambda: found if (found := stack.get(f"commands/{answer.json['id']}/"))["state"] in {"done", "failed"} else None
    )
    assert done["state"] == "done", done
    return done


def at_azure(stack: Stack, call: str, state: str, within_s: float = 15) -> Any:
    def look() -> Any:
        rows = stack.get(f"calls/{call}/azure-recordings/")["results"]
        return rows[0] if rows and rows[0]["state"] == state else None

    return wait_for(look, within_s, f"Azure's recording is {state}")


def events(stack: Stack, call: str, start: str) -> list[Any]:
    return [each for each in stack.get(f"calls/{call}/events/")["results"] if each["type"].startswith(start)]


def sound_of(stack: Stack, track: Any) -> NDArray[np.int16]:
    """The track as its process wrote it: no worker of these stacks has finished it."""
    files = read_take(stack.demo.options.folder / "recording" / track["take"])
    [found] = [each for each in files.tracks if each.raw_id == track["raw_id"]]
    assert files.rate_hz == RATE_HZ
    return np.fromfile(found.pcm, np.int16)


def within(samples: NDArray[np.int16], from_s: float, to_s: float) -> NDArray[np.int16]:
    return samples[round((from_s + EDGE_S) * RATE_HZ) : round((to_s - EDGE_S) * RATE_HZ)]


def test_what_is_paused_or_sensitive_is_in_no_recording(line: Stack) -> None:
    emulated, call = ring(line)
    line.until(call, lambda row: row["recording"]["state"] == "recording")
    time.sleep(1)
    ordered(line, call, "recording/pause")
    assert line.get(f"calls/{call}/")["recording"]["state"] == "paused"
    time.sleep(1)
    ordered(line, call, "recording/resume")
    ordered(line, call, "azure-recording/start")
    at_azure(line, call, "active")
    ordered(line, call, "sensitive/begin", {"seconds": SENSITIVE_S})
    assert line.get(f"calls/{call}/")["sensitive"] is not None
    assert at_azure(line, call, "inactive")["held"] is True
    ask("POST", f"{line.emulator}/emulator/calls/{emulated}/dtmf", {"tones": "47"})
    line.until(call, lambda row: row["sensitive"] is None, SENSITIVE_S + 5)  # by itself
    at_azure(line, call, "active")
    time.sleep(1)
    ordered(line, call, "azure-recording/stop")
    line.caller_hangs_up(emulated)
    [file] = at_azure(line, call, "ready")["files"]
    assert file["document_id"]
    began, ended = events(line, call, "Sensitive")
    assert (began["type"], ended["type"]) == ("SensitiveBegan", "SensitiveEnded")
    assert ended["offset_s"] - began["offset_s"] == pytest.approx(SENSITIVE_S, abs=0.2)
    assert "by itself" in ended["text"]
    assert not {"4", "7"} & {each["text"][-1] for each in events(line, call, "DtmfPressed")}
    check_tracks(line, call)


def check_tracks(line: Stack, call: str) -> None:
    def ended() -> Any:
        rows = line.get(f"calls/{call}/recordings/")["results"]
        found = [each for each in rows if each["track"] == "participant" and each["duration_s"] is not None]
        return found[0] if found else None

    caller = wait_for(ended, 15, "the take has ended")
    samples = sound_of(line, caller)
    holes = {each["why"]: each for each in caller["holes"]}
    assert holes["sensitive"]["to_s"] - holes["sensitive"]["from_s"] == pytest.approx(SENSITIVE_S, abs=0.5)
    for hole in holes.values():
        assert not within(samples, hole["from_s"], hole["to_s"]).any()
    after = within(samples, holes["sensitive"]["to_s"], len(samples) / RATE_HZ)
    assert np.count_nonzero(after) > 0.9 * after.size > 0


def test_what_was_stopped_by_hand_stays_stopped_when_streaming_is_started_again(line: Stack) -> None:
    emulated, call = ring(line)
    line.until(call, lambda row: row["recording"]["state"] == "recording")
    ordered(line, call, "streaming/stop")
    line.until(call, lambda row: row["recording"]["state"] == "off")
    ordered(line, call, "streaming/start")
    line.until(call, lambda row: row["recording"]["state"] == "recording")
    takes = {each["take"] for each in line.get(f"calls/{call}/recordings/")["results"]}
    assert len(takes) == 2
    ordered(line, call, "recording/stop")
    ordered(line, call, "streaming/stop")
    ordered(line, call, "streaming/start")
    line.until(call, lambda row: row["levels"] and row["recording"]["state"] == "off")
    line.caller_hangs_up(emulated)
    assert {each["take"] for each in line.get(f"calls/{call}/recordings/")["results"]} == takes


def marks(page: Page, call: str) -> Any:
    return page.locator(f'[data-call="{call}"]').first


@pytest.mark.browser
def test_one_key_holds_everything_back_and_every_screen_shows_it(stacks: Any, browser: Browser) -> None:
    stack = stacks("embedded")
    emulated, call = stack.streaming_call(**SUPPORT)
    desk, other = Desk(browser, stack, LOOKS[0]), Desk(browser, stack, LOOKS[3])
    page, wall = desk.page, other.page
    page.goto(f"/calls/{call}/")
    wall.goto("/")
    stack.until(call, lambda row: row["recording"]["state"] == "recording")
    panel = page.locator("#recording")
    panel.get_by_role("button", name="Pause", exact=True).first.click()
    expect(page.locator(".call-head .mark[data-mark=paused]")).to_be_visible(timeout=8_000)
    panel.get_by_role("button", name="Resume", exact=True).first.click()
    expect(page.locator(".call-head .mark[data-mark=recording]")).to_be_visible(timeout=8_000)
    expect(panel.get_by_role("button", name="Stop recording")).to_be_visible()
    expect(page).to_have_title("⏺︎ +1 425 555 0123 · acsportal")
    expect(marks(wall, call).locator(".mark[data-mark=recording]")).to_be_visible()
    wait_for(lambda: stack.get(f"calls/{call}/segments/")["results"])
    page.locator("h1").click()
    page.keyboard.press("p")
    expect(page.get_by_text("Nothing is kept or passed on.")).to_be_visible(timeout=8_000)
    expect(page.locator(".call-head .mark[data-mark=sensitive]")).to_be_visible()
    expect(page).to_have_title("⏸︎ +1 425 555 0123 · acsportal")
    expect(marks(wall, call).locator("[data-slot=word]")).to_have_text("Sensitive pause")
    expect(marks(wall, call).locator("[data-slot=sensitive-left]")).to_contain_text("1:5")
    [began] = events(stack, call, "SensitiveBegan")
    time.sleep(8)  # somebody speaks
    page.keyboard.press("p")
    expect(page.get_by_text("Nothing is kept or passed on.")).to_be_hidden(timeout=8_000)
    [ended] = events(stack, call, "SensitiveEnded")
    said = stack.get(f"calls/{call}/segments/")["results"]
    inside = [each for each in said if began["offset_s"] + 1 < each["start_s"] < ended["offset_s"] - 1]
    assert inside == []
    stack.caller_hangs_up(emulated)
    assert desk.complaints + other.complaints == []
    desk.close()
    other.close()
