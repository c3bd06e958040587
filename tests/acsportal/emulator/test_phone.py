"""The phone: a page's socket on one side, the portal's media socket on the other, and the call between them."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import requests
from azure.communication.callautomation import FileSource, PhoneNumberIdentifier
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from acsportal.emulator.phone import handset
from acsportal.emulator.phone.mouth import LEAST_FRAMES, MOST_FRAMES, Mouth

MAIN_LINE = "+18005550100"
FRAME_S = 0.02


def tone(frequency_hz: float, seconds: float, rate_hz: int, level: float = 0.3) -> NDArray[np.int16]:
    at_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.rint(32767 * level * np.sin(2 * np.pi * frequency_hz * at_s)).astype("<i2")


def main_frequency_hz(pcm: NDArray[np.int16], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size), 1 << 17))
    return float(spectrum.argmax() * rate_hz / (1 << 17))


def opened(bench: Any, **more: Any) -> ClientConnection:
    socket: ClientConnection = connect(f"{bench.url.replace('http', 'ws')}/emulator/phone", **more)
    return socket


class Page:
    """The page's end of the socket: what it was told, and the sound it was sent."""

    def __init__(self, bench: Any, phone: str | None = None, number: str | None = None) -> None:
        self.words: list[dict[str, Any]] = []
        self.sound = bytearray()
        self.sound_at_s: list[float] = []
        self._bench = bench
        self._closing = ExitStack()
        self._socket = self._closing.enter_context(opened(bench, compression=None, close_timeout=1))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.say("hello", phone=phone, number=number)
        self.id = str(self.told("phone")["id"])

    def say(self, verb: str, **facts: Any) -> None:
        self._socket.send(json.dumps({"verb": verb, **facts}))

    def speak(self, pcm: NDArray[np.int16]) -> None:
        self._socket.send(pcm.tobytes())

    def talk(self, pcm: NDArray[np.int16], rate_hz: int) -> None:
        """In real time, a frame each 20 ms."""
        size = round(rate_hz * FRAME_S)
        due_s = time.monotonic()
        for first in range(0, pcm.size, size):
            self.speak(pcm[first : first + size])
            due_s += FRAME_S
            time.sleep(max(0.0, due_s - time.monotonic()))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in list(self.words) if each["kind"] == kind]

    def told(self, kind: str, holds: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        """The newest message of that kind, once it is as wanted."""

        def newest() -> dict[str, Any] | None:
            found = self.of_kind(kind)
            return found[-1] if found and holds(found[-1]) else None

        found: dict[str, Any] = self._bench.until(newest)
        return found

    def call(self, holds: Callable[[dict[str, Any]], Any] = lambda _: True) -> dict[str, Any]:
        found: dict[str, Any] = self.told("call", lambda told: holds(told["call"]))["call"]
        return found

    def dial(self, callee: str = MAIN_LINE) -> dict[str, Any]:
        self.say("dial", callee=callee)
        return self.call()

    def connected(self, streaming: Any = None, **more: Any) -> dict[str, Any]:
        """Dials, is answered, and streams if the portal wants that."""
        count = len(self._bench.portal.incoming)
        call = self.dial()
        self._bench.until(lambda: len(self._bench.portal.incoming) > count)
        self._bench.client().answer_call(
            self._bench.context(), self._bench.callback_url, media_streaming=streaming, **more
        )
        if streaming is None:
            return self.call(lambda shown: shown["state"] == "connected")
        self.call(lambda shown: shown["streaming"] and shown["streaming"]["state"] == "streaming")
        return call

    def close(self) -> None:
        self._closing.close()
        self._listener.join(5)

    def _listen(self) -> None:
        try:
            for message in self._socket:
                if isinstance(message, bytes):
                    self.sound += message
                    self.sound_at_s.append(time.monotonic())
                else:
                    self.words.append(json.loads(message))
        except ConnectionClosed:
            pass


@pytest.fixture
def open_page(bench: Any) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def make(**more: Any) -> Page:
        pages.append(Page(bench, **more))
        return pages[-1]

    yield make
    for page in pages:
        page.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def said_by(socket: Any, raw_id: str | None) -> NDArray[np.int16]:
    """What the portal got of that person, frame after frame."""
    frames = [message["audioData"] for message in socket.of_kind("AudioData")]
    own = [each for each in frames if each.get("participantRawID") == raw_id]
    return np.frombuffer(b"".join(base64.b64decode(each["data"]) for each in own), dtype="<i2")


def injected(pcm: NDArray[np.int16]) -> str:
    content = base64.b64encode(pcm.tobytes()).decode()
    return json.dumps({"kind": "AudioData", "audioData": {"data": content}, "stopAudio": None})


def inject(bench: Any, pcm: NDArray[np.int16], rate_hz: int) -> None:
    """All of it at once: Azure queues it and plays it in real time."""
    size = round(rate_hz * FRAME_S)

    async def send() -> None:
        for first in range(0, pcm.size, size):
            await bench.portal.sockets[-1].web_socket.send_str(injected(pcm[first : first + size]))

    bench.run(send())


@pytest.mark.parametrize("rate_hz", [16000, 24000])
@pytest.mark.parametrize("channels", ["unmixed", "mixed"])
def test_what_is_said_into_the_phone_arrives_at_the_portal_as_it_was_said(
    bench: Any, page: Page, rate_hz: int, channels: str
) -> None:
    page.connected(bench.streaming(channels, rate_hz))
    page.talk(tone(440, 1.5, rate_hz), rate_hz)
    who = "4:+14255550199" if channels == "unmixed" else None
    arrived = said_by(bench.portal.sockets[0], who)
    loud = np.flatnonzero(np.abs(arrived.astype(int)) > 100)
    heard = arrived[loud[0] : loud[-1]]
    assert heard.size / rate_hz == pytest.approx(1.5, abs=0.2)
    assert main_frequency_hz(heard, rate_hz) == pytest.approx(440, abs=1)
    assert np.abs(heard.astype(int)).max() == pytest.approx(0.3 * 32767, rel=0.01)


def test_what_is_said_reaches_the_portal_within_a_tenth_of_a_second(bench: Any, page: Page) -> None:
    page.connected(bench.streaming())
    socket = bench.portal.sockets[0]
    delays_s = []
    for _ in range(5):  # the best of five: what the queues cost, not what else the machine has to do
        count, began_s = len(socket.texts), time.monotonic()
        page.talk(tone(440, 0.3, 16000), 16000)
        loud = [at_s for at_s, text in socket.texts[count:] if '"silent":false' in text]
        delays_s.append(loud[0] - began_s)
        bench.until(lambda: '"silent":true' in socket.texts[-1][1])
    assert min(delays_s) < 0.1


def test_a_phone_that_says_nothing_is_silent_and_that_is_no_underrun(bench: Any, page: Page) -> None:
    page.connected(bench.streaming())
    bench.until(lambda: len(bench.portal.sockets[0].texts) > 20)
    frames = bench.portal.sockets[0].of_kind("AudioData")
    assert all(frame["audioData"]["silent"] for frame in frames)
    assert page.call()["mouth"]["underruns"] == 0


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_what_is_injected_is_heard_in_the_phone_and_kept_in_heard_wav(bench: Any, page: Page, rate_hz: int) -> None:
    call = page.connected(bench.streaming(rate_hz=rate_hz))
    sound = tone(620, 1.0, rate_hz)
    inject(bench, sound, rate_hz)
    bench.until(lambda: len(page.sound) >= sound.nbytes)
    heard = np.frombuffer(bytes(page.sound), dtype="<i2")
    assert np.array_equal(heard, sound)
    assert page.sound_at_s[-1] - page.sound_at_s[0] == pytest.approx(1.0, abs=0.15)  # as it is played, not as it came
    answer = requests.get(f"{bench.url}/emulator/calls/{call['id']}/heard.wav", timeout=5)
    assert sound.tobytes() in answer.content


def test_stop_audio_ends_what_the_phone_hears(bench: Any, page: Page) -> None:
    page.connected(bench.streaming())
    inject(bench, tone(620, 5.0, 16000), 16000)
    bench.until(lambda: len(page.sound) > 6400)
    stop = json.dumps({"kind": "StopAudio", "audioData": None, "stopAudio": {}})
    bench.run(bench.portal.sockets[0].web_socket.send_str(stop))
    page.call(lambda shown: shown["streaming"]["stop_audio"] == 1 and shown["streaming"]["queued_ms"] == 0)
    length = len(page.sound)
    assert length < 2 * 16000 * 4
    bench.until(lambda: len(bench.portal.sockets[0].texts) > 80)
    assert len(page.sound) == length


def test_the_page_is_told_what_the_line_is_like(bench: Any, page: Page) -> None:
    page.connected(bench.streaming("mixed", 24000))
    inject(bench, tone(620, 3.0, 24000), 24000)
    shown = page.call(lambda shown: shown["streaming"]["queued_ms"] > 1000)
    assert shown["rate_hz"] == 24000
    assert shown["connected_s"] > 0
    streaming = shown["streaming"]
    assert (streaming["state"], streaming["unmixed"], streaming["bidirectional"]) == ("streaming", False, True)
    assert streaming["frames_sent"] > 0
    assert streaming["frames_received"] == 150


def test_muted_nothing_is_said_until_the_phone_is_unmuted(bench: Any, page: Page) -> None:
    page.connected(bench.streaming())
    page.say("mute", muted=True)
    page.call(lambda shown: shown["muted"])
    page.talk(tone(440, 0.3, 16000), 16000)
    assert not said_by(bench.portal.sockets[0], "4:+14255550199").any()
    page.say("mute", muted=False)
    page.call(lambda shown: not shown["muted"])
    page.talk(tone(440, 0.3, 16000), 16000)
    assert said_by(bench.portal.sockets[0], "4:+14255550199").any()


def test_keys_arrive_one_by_one(bench: Any, page: Page) -> None:
    page.connected(bench.streaming())
    page.say("press", tones="12#")
    bench.until(lambda: len(bench.portal.sockets[0].of_kind("DtmfData")) == 3)
    assert [each["dtmfData"]["data"] for each in bench.portal.sockets[0].of_kind("DtmfData")] == ["1", "2", "#"]


def test_the_phone_hangs_up_and_the_portal_learns_it(bench: Any, page: Page) -> None:
    call = page.connected(bench.streaming())
    page.say("hang_up")
    shown = page.call(lambda shown: shown["state"] == "ended")
    assert (shown["end"]["code"], shown["end"]["subcode"]) == (200, 0)
    bench.until(lambda: "CallDisconnected" in bench.portal.types_of(bench.look(call["id"])))
    page.dial()  # the phone is free again


def test_the_portal_hangs_up_and_the_phone_says_so(bench: Any, page: Page) -> None:
    call = page.connected()
    bench.client().get_call_connection(bench.look(call["id"])["call_connection_id"]).hang_up(is_for_everyone=True)
    shown = page.call(lambda shown: shown["state"] == "ended")
    assert (shown["end"]["code"], shown["end"]["subcode"]) == (200, 7000)


def test_a_rejected_call_says_why_it_ended(bench: Any, page: Page) -> None:
    page.dial()
    bench.until(lambda: bench.portal.incoming)
    bench.client().reject_call(bench.context())
    assert page.call(lambda shown: shown["state"] == "ended")["end"]["subcode"] == 10024


def test_a_page_that_comes_back_within_the_grace_finds_its_call(bench: Any, open_page: Callable[..., Page]) -> None:
    first = open_page()
    call = first.connected(bench.streaming())
    first.close()
    again = open_page(phone=first.id)
    assert again.id == first.id
    assert again.call(lambda shown: shown["state"] == "connected")["id"] == call["id"]
    again.talk(tone(440, 0.3, 16000), 16000)
    assert said_by(bench.portal.sockets[0], "4:+14255550199").any()


def test_a_page_that_stays_away_has_hung_up(bench: Any, open_page: Callable[..., Page]) -> None:
    page = open_page()
    call = page.connected(bench.streaming())
    page.close()
    bench.until(lambda: bench.look(call["id"])["state"] == "ended", handset.GRACE_S + 5)
    assert bench.look(call["id"])["end"]["code"] == 200
    bench.until(lambda: "CallDisconnected" in bench.portal.types_of(bench.look(call["id"])))
    assert open_page(phone=page.id).id != page.id


def test_two_pages_are_two_phones_with_a_number_each(bench: Any, open_page: Callable[..., Page]) -> None:
    one, two = open_page(), open_page()
    assert open_page(phone=one.id).id != one.id
    assert [each.told("phone")["number"] for each in (one, two)] == ["+14255550199", "+14255550198"]
    calls = [each.connected(bench.streaming()) for each in (one, two)]
    two.talk(tone(440, 0.2, 16000), 16000)
    assert not said_by(bench.portal.sockets[0], "4:+14255550199").any()
    assert said_by(bench.portal.sockets[1], "4:+14255550198").any()
    one.say("hang_up")
    bench.until(lambda: bench.look(calls[0]["id"])["state"] == "ended")
    assert bench.look(calls[1]["id"])["state"] == "connected"


def place(bench: Any, number: str = "+14255550199") -> None:
    bench.client().create_call(
        PhoneNumberIdentifier(number),
        bench.callback_url,
        source_caller_id_number=PhoneNumberIdentifier("+18005550100"),
        media_streaming=bench.streaming(),
    )


def test_a_call_to_the_phones_number_rings_there_and_is_answered(bench: Any, page: Page) -> None:
    place(bench)
    rings = page.told("rings")
    assert rings["who"] == "+18005550100"
    assert "CallConnected" not in bench.portal.types()
    page.say("answer")
    page.call(lambda shown: shown["streaming"]["state"] == "streaming")
    bench.until(lambda: "CallConnected" in bench.portal.types())
    page.talk(tone(440, 0.3, 16000), 16000)
    assert said_by(bench.portal.sockets[0], "4:+14255550199").any()


def test_a_declined_call_ends_as_azure_ends_it(bench: Any, page: Page) -> None:
    place(bench)
    page.told("rings")
    page.say("decline")
    page.told("rest")
    bench.until(lambda: "CreateCallFailed" in bench.portal.types())
    result = bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]
    assert (result["code"], result["subCode"]) == (403, 560403)


def test_a_call_that_nobody_takes_up_is_not_answered(bench: Any, page: Page) -> None:
    place(bench)
    page.told("rest")
    bench.until(lambda: "CreateCallFailed" in bench.portal.types())
    assert bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]["subCode"] == 560480


def test_the_first_of_two_phones_to_answer_has_the_call(bench: Any, open_page: Callable[..., Page]) -> None:
    one, two = open_page(), open_page(number="+14255550199")
    place(bench)
    one.told("rings")
    two.told("rings")
    two.say("answer")
    assert one.told("rest")["id"] == one.told("rings")["id"]
    two.call(lambda shown: shown["state"] == "connected")
    one.say("answer")
    assert one.told("refused")["message"] == "Nobody rings here now."


def test_a_phone_in_a_call_is_busy(bench: Any, page: Page) -> None:
    page.connected()
    place(bench)
    bench.until(lambda: "CreateCallFailed" in bench.portal.types())
    assert bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]["subCode"] == 560403
    assert not page.of_kind("rings")


def test_the_portal_gives_up_a_call_that_rings(bench: Any, page: Page) -> None:
    place(bench)
    page.told("rings")
    [row] = requests.get(f"{bench.url}/emulator/calls", timeout=5).json()["results"]
    bench.client().get_call_connection(row["call_connection_id"]).hang_up(is_for_everyone=True)
    page.told("rest")
    bench.until(lambda: "CreateCallFailed" in bench.portal.types())
    assert bench.portal.callback("CreateCallFailed")["data"]["resultInformation"]["subCode"] == 540487
    assert bench.portal.types().count("CreateCallFailed") == 1


def invite(bench: Any, call: dict[str, Any], number: str) -> Any:
    connection = bench.client().get_call_connection(bench.look(call["id"])["call_connection_id"])
    connection.add_participant(PhoneNumberIdentifier(number), source_caller_id_number=PhoneNumberIdentifier(MAIN_LINE))
    return connection


def test_a_phone_that_is_invited_to_a_call_talks_in_it_and_may_go_alone(
    bench: Any, open_page: Callable[..., Page]
) -> None:
    one, two = open_page(), open_page()
    call = one.connected(bench.streaming())
    invite(bench, call, "+14255550198")
    assert two.told("rings")["who"] == MAIN_LINE
    two.say("answer")
    two.call(lambda shown: shown["state"] == "connected")
    two.talk(tone(440, 0.2, 16000), 16000)
    assert said_by(bench.portal.sockets[0], "4:+14255550198").any()
    inject(bench, tone(620, 0.5, 16000), 16000)
    bench.until(lambda: len(one.sound) >= 16000 and len(two.sound) >= 16000)
    two.say("hang_up")
    assert two.call(lambda shown: shown["state"] == "ended")["end"]["subcode"] == 0
    assert one.call()["state"] == "connected"
    assert [each["raw_id"] for each in bench.look(call["id"])["participants"]].count("4:+14255550198") == 0


def test_a_phone_that_the_portal_removes_is_told_so(bench: Any, open_page: Callable[..., Page]) -> None:
    one, two = open_page(), open_page()
    connection = invite(bench, one.connected(bench.streaming()), "+14255550198")
    two.told("rings")
    two.say("answer")
    two.call(lambda shown: shown["state"] == "connected")
    connection.remove_participant(PhoneNumberIdentifier("+14255550198"))
    assert two.call(lambda shown: shown["state"] == "ended")["end"]["subcode"] == 5000


def test_a_phone_on_hold_is_told_so_and_neither_hears_nor_is_heard(bench: Any, page: Page) -> None:
    call = page.connected(bench.streaming())
    connection = bench.client().get_call_connection(bench.look(call["id"])["call_connection_id"])
    connection.hold(PhoneNumberIdentifier("+14255550199"))
    page.call(lambda shown: shown["held"])
    inject(bench, tone(620, 0.2, 16000), 16000)
    page.talk(tone(440, 0.4, 16000), 16000)
    assert not page.sound
    assert not said_by(bench.portal.sockets[0], "4:+14255550199").any()
    connection.unhold(PhoneNumberIdentifier("+14255550199"))
    page.call(lambda shown: not shown["held"])
    page.talk(tone(440, 0.2, 16000), 16000)
    assert said_by(bench.portal.sockets[0], "4:+14255550199").any()


def test_what_azure_plays_is_heard_without_a_stream_too(bench: Any, page: Page) -> None:
    call = page.connected()
    file = f"{bench.url}/emulator/phone/voice.wav"
    connection = bench.client().get_call_connection(bench.look(call["id"])["call_connection_id"])
    connection.play_media(FileSource(file), play_to="all")
    bench.until(lambda: len(page.sound) > 16000)
    assert np.frombuffer(bytes(page.sound), dtype="<i2").any()


def test_a_number_where_no_phone_is_open_is_answered_as_ever(bench: Any, page: Page) -> None:
    place(bench, "+14255550177")
    bench.until(lambda: "CallConnected" in bench.portal.types())
    assert not page.of_kind("rings")


def test_a_phone_takes_another_number_between_calls(bench: Any, page: Page) -> None:
    page.say("number", number="+4930123456")
    page.told("phone", lambda told: told["number"] == "+4930123456")
    page.connected()
    page.say("number", number="+4930123457")
    assert "between calls" in page.told("refused")["message"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"verb": "dial", "callee": "Nora"}', "neither a number"),
        ('{"verb": "dial"}', "“callee” must be a text"),
        ('{"verb": "press", "tones": "x"}', "Keys are 0 to 9"),
        ('{"verb": "press", "tones": "1"}', "no call on this phone"),
        ('{"verb": "hang_up"}', "no call on this phone"),
        ('{"verb": "sing"}', "no verb “sing”"),
        ("[]", "JSON object"),
        ("{", "Expecting"),
    ],
)
def test_what_the_phone_cannot_do_is_refused_in_words(page: Page, sent: str, said: str) -> None:
    page._socket.send(sent)
    assert said in page.told("refused")["message"]


def test_sound_without_a_call_and_odd_bytes_do_no_harm(bench: Any, page: Page) -> None:
    page._socket.send(b"\x01\x02\x03")
    page.connected(bench.streaming())
    page._socket.send(b"\x01\x02\x03")
    page.say("hang_up")
    page.call(lambda shown: shown["state"] == "ended")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "http://localhost:1"}])
def test_other_sites_pages_get_no_phone(bench: Any, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(bench, additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_a_socket_that_does_not_begin_with_hello_is_closed(bench: Any) -> None:
    for first in ('{"verb": "dial"}', "{", b"\x00\x00", '{"verb": "hello", "number": "Nora"}'):
        with opened(bench) as socket:
            socket.send(first)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_the_page_and_its_parts_are_served_under_a_strict_policy(bench: Any) -> None:
    answer = requests.get(f"{bench.url}/", timeout=5)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    voice = requests.get(f"{bench.url}/emulator/phone/voice.wav", timeout=20)
    assert voice.content[:4] == b"RIFF"
    assert requests.get(f"{bench.url}/phone/../line.py", timeout=5).status_code == 404


def said(mouth: Mouth, tick: int) -> int:
    """The first sample of that tick's frame; 0 is silence."""
    at = mouth.index(tick)
    assert mouth.silent[at] == (not mouth.pcm[at].any())
    return int(mouth.pcm[at, 0])


def frame(level: int = 1000) -> bytes:
    return np.full(320, level, dtype="<i2").tobytes()


def test_a_fast_browser_clock_is_held_to_a_short_queue() -> None:
    mouth, longest_ms = Mouth(16000), 0
    for tick in range(30_000):
        mouth.push(frame() + frame()[:2])  # a sample more each time: 0.3 % fast
        mouth.index(tick)
        longest_ms = max(longest_ms, mouth.queued_ms)
    assert longest_ms <= 100
    assert mouth.dropped == pytest.approx(30_000 / 320, abs=5)
    assert mouth.underruns == 0


def test_a_slow_browser_clock_costs_a_gap_now_and_then() -> None:
    mouth, owed = Mouth(16000), 0.0
    for tick in range(30_000):
        owed += 0.997
        if owed >= 1:
            mouth.push(frame())
            owed -= 1
        mouth.index(tick)
    assert 0 < mouth.underruns < 100
    assert mouth.queued_ms <= 20 * MOST_FRAMES


def test_a_burst_after_a_stall_is_cut_down_to_the_newest() -> None:
    mouth = Mouth(16000)
    mouth.push(b"".join(frame(level) for level in range(1, 51)))
    mouth.index(0)
    assert mouth.dropped == 50 - LEAST_FRAMES
    assert mouth.pcm[0, 0] == 49


def test_one_tick_is_one_frame_however_often_it_is_asked() -> None:
    mouth = Mouth(16000)
    mouth.push(frame(1) + frame(2))
    assert [said(mouth, 7) for _ in range(3)] == [1, 1, 1]
    assert base64.b64decode(mouth.frames[0]) == mouth.pcm[0].tobytes()


def test_a_gap_costs_one_underrun_and_a_longer_queue_until_it_is_calm() -> None:
    mouth = Mouth(16000)
    mouth.push(2 * frame())
    assert [said(mouth, tick) for tick in range(4)] == [1000, 1000, 0, 0]
    mouth.push(2 * frame())
    assert said(mouth, 4)
    assert (mouth.underruns, mouth.aim) == (1, LEAST_FRAMES + 2)
    for tick in range(5, 600):
        mouth.push(frame())
        mouth.index(tick)
    assert mouth.aim == LEAST_FRAMES
