"""The phone's page in Chromium, before a stand-in portal that keeps every sample it is sent."""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
from azure.communication.callautomation import PhoneNumberIdentifier
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.acsportal.emulator.conftest import QUICK
from tests.journeys.desk import CHROMIUM, chromium
from tests.journeys.stack import main_frequency_hz

pytestmark = [pytest.mark.browser]

TOKENS = re.compile(r"^  (--[\w-]+): (.*);$", re.MULTILINE)
ROOT = Path(__file__).resolve().parents[3]
SPOKEN_HZ, INJECTED_HZ = 440, 620
# What the resampler makes of a tone, as power in dB: what is left of the tone, and all else there is.
RESAMPLE = """async ([fromHz, toHz, toneHz]) => {
  const { Resampler } = await import("/phone/resampler.js");
  const resampler = new Resampler(fromHz, toHz);
  const out = new Float32Array(toHz);
  for (let at = 0, made = 0; made < out.length; at += 128) {
    const part = Float32Array.from({length: 128}, (_, i) => Math.sin(2 * Math.PI * toneHz * (at + i) / fromHz));
    resampler.write(part);
    made += resampler.read(out.subarray(made));
  }
  return [...out.subarray(out.length / 2)];
}"""


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Chromium's microphone hears."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    at_s = np.arange(48_000 * 2) / 48_000
    soundfile.write(path, 0.25 * np.sin(2 * np.pi * SPOKEN_HZ * at_s), 48_000)
    return path


@pytest.fixture(scope="module")
def browser(lacks: Callable[[str], NoReturn], spoken: Path) -> Iterator[Browser]:
    if CHROMIUM is None:
        lacks("Chromium")
    with chromium("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={spoken}") as opened:
        yield opened


@pytest.fixture
def bench(make_bench: Callable[..., Any]) -> Any:
    """Rings long enough for a busy machine's browser."""
    return make_bench(timing=replace(QUICK, ring_s=15))


@pytest.fixture
def open_phone(bench: Any, browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(permissions: tuple[str, ...] = ("microphone",)) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 960}, permissions=permissions)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(bench.url)
        expect(page.locator("#state-chip")).to_have_text("Ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def dial(bench: Any, page: Page, **options: Any) -> Any:
    """A call that the stand-in answers and streams; its media socket."""
    count = len(bench.portal.incoming)
    page.get_by_label("Number to call").fill("8005550100")
    page.keyboard.press("Enter")
    bench.until(lambda: len(bench.portal.incoming) > count)
    bench.client().answer_call(bench.context(), bench.callback_url, media_streaming=bench.streaming(**options))
    expect(page.locator("#state-chip")).to_have_text("On a call")
    expect(page.locator("#line")).to_contain_text("streaming")
    return bench.portal.sockets[-1]


def said(socket: Any) -> NDArray[np.int16]:
    """What reached the portal, from the first sound on."""
    frames = [message["audioData"]["data"] for message in socket.of_kind("AudioData")]
    pcm = np.frombuffer(b"".join(base64.b64decode(each) for each in frames), dtype="<i2")
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 300)
    return pcm[loud[0] :] if loud.size else pcm[:0]


def inject(bench: Any, socket: Any, seconds: float, rate_hz: int) -> None:
    pcm = np.rint(8000 * np.sin(2 * np.pi * INJECTED_HZ * np.arange(int(seconds * rate_hz)) / rate_hz)).astype("<i2")
    content = base64.b64encode(pcm.tobytes()).decode()
    bench.run(socket.web_socket.send_json({"kind": "AudioData", "audioData": {"data": content}, "stopAudio": None}))


def pitch_hz(pcm: NDArray[np.int16], rate_hz: int) -> float:
    """Of most quarters of a second: on a busy machine a frame may come too late, and the sound leaps there."""
    size = rate_hz // 4
    parts = [pcm[first : first + size] for first in range(0, pcm.size - size, size)]
    return float(np.median([main_frequency_hz(part, rate_hz) for part in parts]))


def level_db(page: Page, meter: str) -> float:
    """As the page shows it; silence is −60."""
    text = page.locator(f"#{meter} [data-slot=level]").inner_text()
    return -float(text[1:-3]) if text.startswith("−") else -60.0


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_the_microphone_reaches_the_portal_at_its_own_pitch_and_level(
    bench: Any, open_phone: Callable[..., Page], rate_hz: int
) -> None:
    socket = dial(bench, open_phone(), rate_hz=rate_hz)
    bench.until(lambda: said(socket).size > 2.5 * rate_hz)
    heard = said(socket)[rate_hz // 2 :]
    assert pitch_hz(heard, rate_hz) == pytest.approx(SPOKEN_HZ, abs=1)
    rms_db = 20 * np.log10(np.sqrt(np.mean(np.square(heard / 32768))))
    assert rms_db == pytest.approx(-15.1, abs=3)


def test_the_page_hears_what_the_portal_says_and_shows_its_level(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    socket = dial(bench, page)
    assert level_db(page, "meter-ear") == -60
    inject(bench, socket, 4, 16000)
    bench.until(lambda: level_db(page, "meter-ear") == pytest.approx(-15.3, abs=2))
    expect(page.locator("#line")).to_contain_text("Queued at Azure")
    bench.until(lambda: level_db(page, "meter-ear") == -60)


def test_a_muted_microphone_is_not_heard(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    socket = dial(bench, page)
    bench.until(lambda: said(socket).size)
    page.get_by_role("button", name="Mute").click()
    expect(page.locator("#status")).to_have_text("You are muted.")
    expect(page.locator("#meter-mouth [data-slot=level]")).to_have_text("muted")
    bench.until(lambda: all(each["audioData"]["silent"] for each in socket.of_kind("AudioData")[-25:]))


@pytest.mark.parametrize(("button", "hz"), [("Tone", 440), ("Sample voice", None)])
def test_without_a_microphone_the_page_says_so_and_talks_otherwise(
    bench: Any, open_phone: Callable[..., Page], button: str, hz: int | None
) -> None:
    page = open_phone(permissions=())
    socket = dial(bench, page)
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("The microphone is blocked for this page. Allow it")
    assert not said(socket).size
    notice.get_by_role("button", name=button).click()
    expect(notice).to_be_hidden()
    bench.until(lambda: said(socket).size > 16000)
    if hz:
        assert pitch_hz(said(socket), 16000) == pytest.approx(hz, abs=1)


def test_keys_of_the_pad_and_of_the_keyboard_type_and_press(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    for key in ("1", "2 ABC", "hash"):
        page.get_by_role("button", name=key, exact=True).click()
    page.keyboard.type("34")
    expect(page.get_by_label("Number to call")).to_have_value("12#34")
    page.keyboard.press("Backspace")
    page.get_by_role("button", name="Delete the last digit").click()
    expect(page.get_by_label("Number to call")).to_have_value("12#")
    socket = dial(bench, page)
    page.get_by_role("button", name="star").click()
    page.keyboard.type("7#")
    bench.until(lambda: len(socket.of_kind("DtmfData")) == 3)
    assert [each["dtmfData"]["data"] for each in socket.of_kind("DtmfData")] == ["*", "7", "#"]
    expect(page.locator("#status")).to_have_text("Pressed * 7 #")


def test_a_call_from_the_portal_rings_and_is_answered_with_a_key(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    for key, said_then in (("Escape", "Ready"), ("Enter", "On a call")):
        bench.client().create_call(
            PhoneNumberIdentifier("+14255550199"),
            bench.callback_url,
            source_caller_id_number=PhoneNumberIdentifier("+18005550100"),
            media_streaming=bench.streaming(),
        )
        expect(page.locator("#state-chip")).to_have_text("Rings")
        expect(page.locator("#who")).to_have_text("+1 800 555 0100")
        page.keyboard.press(key)
        expect(page.locator("#state-chip")).to_have_text(said_then)
    bench.until(lambda: bench.portal.sockets and said(bench.portal.sockets[-1]).size > 8000)


def test_a_reloaded_page_is_still_in_its_call(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    socket = dial(bench, page)
    page.reload()
    expect(page.locator("#state-chip")).to_have_text("On a call")
    notice = page.get_by_role("alert")
    if notice.is_visible():  # the browser may take the press before the reload for one of the new page
        notice.get_by_role("button", name="Go on talking").click()
    page.locator("label", has_text="Tone").click()
    count = len(socket.texts)
    bench.until(lambda: any('"silent":false' in text for _, text in socket.texts[count:]))


def test_a_closed_page_has_hung_up(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    socket = dial(bench, page)
    page.goto("about:blank")
    bench.until(lambda: socket.is_closed)
    bench.until(lambda: "CallDisconnected" in bench.portal.types())


def test_why_a_call_ended_stands_there_in_words(bench: Any, open_phone: Callable[..., Page]) -> None:
    page = open_phone()
    page.get_by_role("button", name="Support").click()
    page.get_by_role("button", name="Call", exact=True).click()
    bench.until(lambda: bench.portal.incoming)
    bench.client().reject_call(bench.context())
    expect(page.locator("#status")).to_have_text("The portal rejected the call.")
    page.get_by_role("button", name="Call again").click()
    expect(page.locator("#status")).to_have_text("Rings at the portal…")
    page.keyboard.press("h")
    expect(page.locator("#status")).to_have_text("You hung up before the portal answered.")


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48000, 16000), (44100, 24000), (16000, 48000), (24000, 44100)])
def test_the_resampler_keeps_a_tone_and_lets_in_no_false_one(
    bench: Any, open_phone: Callable[..., Page], from_hz: int, to_hz: int
) -> None:
    page = open_phone(permissions=())

    def power_db(tone_hz: int) -> tuple[float, float]:
        out = np.array(page.evaluate(RESAMPLE, [from_hz, to_hz, tone_hz]))
        spectrum = np.abs(np.fft.rfft(out * np.blackman(out.size))) / (0.42 * out.size / 2)
        near = round(tone_hz * out.size / to_hz)
        kept = spectrum[max(0, near - 5) : near + 6].max(initial=1e-9)
        rest = np.concatenate([spectrum[: max(0, near - 5)], spectrum[near + 6 :]]).max()
        return 20 * np.log10(kept), 20 * np.log10(rest)

    for tone_hz in (440, 1000, 5000):
        kept_db, rest_db = power_db(tone_hz)
        assert kept_db == pytest.approx(0, abs=0.2)
        assert rest_db < -60
    if from_hz > to_hz:
        kept_db, rest_db = power_db(round(to_hz * 0.6))
        assert max(kept_db, rest_db) < -60


def test_the_page_has_the_portals_own_colours_and_sizes() -> None:
    own = dict(TOKENS.findall((ROOT / "acsportal/emulator/phone/static/tokens.css").read_text(encoding="utf-8")))
    portals = dict(TOKENS.findall((ROOT / "static/css/tokens.css").read_text(encoding="utf-8")))
    assert len(own) > 40
    assert own.items() <= portals.items()
