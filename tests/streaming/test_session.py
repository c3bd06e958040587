import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streaming.audio import PcmFrame
from streaming.session import (
    STALLS_TOLD,
    DtmfPressed,
    IdleWatch,
    MediaSession,
    Opened,
    StallWatch,
    StreamFacts,
    StreamMustClose,
)

WALL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MEDIA_START = datetime(2026, 11, 20, 11, 59, 59, 800_000, UTC)
FRAME = b64encode(bytes(640)).decode()


def metadata(rate_hz: int = 16_000, **members: Any) -> str:
    body = {"subscriptionId": "sub-1", "encoding": "PCM", "sampleRate": rate_hz, "channels": 1, "length": 640}
    return json.dumps({"kind": "AudioMetadata", "audioMetadata": body | members})


def audio(media_ms: float | None = None, raw_id: str | None = None, data: str = FRAME, silent: bool = False) -> str:
    body: dict[str, Any] = {"data": data, "silent": silent}
    if media_ms is not None:
        body["timestamp"] = (MEDIA_START + timedelta(milliseconds=media_ms)).isoformat(timespec="milliseconds")
    if raw_id is not None:
        body["participantRawID"] = raw_id
    return json.dumps({"kind": "AudioData", "audioData": body})


class Socket:
    """A session whose messages arrive at given milliseconds after the socket was accepted."""

    def __init__(self, rate_hz: int | None = 16_000, opened: bool = True) -> None:
        self.session = MediaSession(rate_hz, 1000.0)
        if opened:
            self.receive(metadata(), 0)

    @property
    def facts(self) -> StreamFacts:
        return self.session.facts

    def receive(self, text: str, at_ms: float = 0) -> PcmFrame | DtmfPressed | Opened | None:
        return self.session.receive(text, None, 1000.0 + at_ms / 1000, WALL + timedelta(milliseconds=at_ms))

    def stream(
        self, media_ms: list[float], raw_id: str | None = None, late_ms: Callable[[float], float] = lambda _: 0
    ) -> None:
        for at_ms in media_ms:
            self.receive(audio(at_ms, raw_id), at_ms + late_ms(at_ms))

    def closes(self, text: str | None, binary: bytes | None = None) -> StreamMustClose:
        with pytest.raises(StreamMustClose) as caught:
            self.session.receive(text, binary, 1001.0, WALL)
        assert len(caught.value.reason.encode()) <= 123
        return caught.value


def steps(first_ms: float, count: int) -> list[float]:
    return [first_ms + 20 * index for index in range(count)]


def test_metadata_opens_the_stream_and_is_kept() -> None:
    socket = Socket(opened=False)
    opened = socket.receive(metadata())
    assert isinstance(opened, Opened)
    assert not opened.again
    facts = socket.facts
    assert (facts.subscription_id, facts.sample_rate_hz, facts.channels) == ("sub-1", 16_000, 1)
    assert (facts.encoding, facts.frame_length, facts.rate_differs) == ("PCM", 640, False)


def test_audio_becomes_a_frame() -> None:
    socket = Socket()
    frame = socket.receive(audio(0, "4:+14255550123", silent=True), 300)
    assert frame == PcmFrame("4:+14255550123", bytes(640), 16_000, True, MEDIA_START, 1000.3)
    assert socket.facts.frames_received == 1
    assert socket.facts.first_frame_at == WALL + timedelta(milliseconds=300)


def test_audio_without_a_participant_is_called_mixed() -> None:
    frame = Socket().receive(audio(0))
    assert isinstance(frame, PcmFrame)
    assert frame.raw_id == "mixed"


def test_the_first_timestamp_of_every_stream_is_kept() -> None:
    socket = Socket()
    for media_ms, raw_id in [(0, None), (20, None), (40, "a"), (60, "a"), (40, "b"), (None, "c")]:
        socket.receive(audio(media_ms, raw_id), media_ms or 80)
    assert socket.facts.first_timestamps == {
        "mixed": "2026-11-20T11:59:59.800Z",
        "a": "2026-11-20T11:59:59.840Z",
        "b": "2026-11-20T11:59:59.840Z",
    }


def test_a_time_that_nobody_set_is_not_kept() -> None:
    socket = Socket()
    message = {"kind": "AudioData", "audioData": {"data": FRAME, "timestamp": "0001-01-01T00:00:00+00:00"}}
    for index in range(100):
        socket.receive(json.dumps(message), index * 20)
    assert socket.facts.first_timestamps == {}
    assert (socket.facts.gaps, socket.facts.frames_received) == (0, 100)


def test_audio_before_metadata_closes_the_socket() -> None:
    socket = Socket(opened=False)
    assert socket.closes(audio(0)).code == 1002
    assert socket.facts.malformed == {"audio_before_metadata": 1}


def test_a_binary_frame_closes_the_socket() -> None:
    socket = Socket()
    assert socket.closes(None, b"\x00\x01").code == 1003
    assert socket.facts.malformed == {"binary": 1}


@pytest.mark.parametrize("text", ["x" * 262_145, "\N{EURO SIGN}" * 87_382, "\ud800" * 262_145])
def test_a_message_above_256_kib_closes_the_socket(text: str) -> None:
    socket = Socket()
    assert socket.closes(text).code == 1009
    assert socket.facts.malformed == {"too_big": 1}


def test_a_message_of_just_256_kib_is_read() -> None:
    text = audio(0)
    assert isinstance(Socket().receive(text.ljust(262_144)), PcmFrame)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000])
def test_a_rate_that_azure_does_not_offer_closes_the_socket(rate_hz: int) -> None:
    refused = Socket(opened=False).closes(metadata(rate_hz))
    assert refused.code == 1003
    assert str(rate_hz) in refused.reason


@pytest.mark.parametrize("members", [{"channels": 2}, {"encoding": "MULAW"}])
def test_what_is_not_mono_pcm_closes_the_socket(members: dict[str, Any]) -> None:
    assert Socket(opened=False).closes(metadata(**members)).code == 1003


def test_a_stream_at_the_other_rate_is_taken_and_says_so() -> None:
    socket = Socket(24_000)
    assert socket.facts.rate_differs
    frame = socket.receive(audio(0))
    assert isinstance(frame, PcmFrame)
    assert frame.rate_hz == 16_000
    assert not Socket(None).facts.rate_differs


def test_a_second_metadata_updates_the_facts() -> None:
    socket = Socket()
    opened = socket.receive(metadata(24_000, subscriptionId="sub-2"))
    assert isinstance(opened, Opened)
    assert opened.again
    assert (socket.facts.subscription_id, socket.facts.sample_rate_hz) == ("sub-2", 24_000)
    socket.receive(audio(0, data=b64encode(bytes(960)).decode()))
    assert socket.facts.wrong_size == 0


def test_a_key_pressed_is_told_with_its_time() -> None:
    message = '{"kind":"DtmfData","dtmfData":{"data":"pound"}}'
    assert Socket().receive(message, 500) == DtmfPressed("#", None, WALL + timedelta(milliseconds=500), 1000.5)


def test_faults_are_counted_by_kind_and_the_stream_goes_on() -> None:
    socket = Socket()
    faults = ["junk", "junk", "[]", '{"kind":"MarkData"}', audio(0, data="A"), audio(0, data="AAAA"), audio(0, "\x00")]
    assert [socket.receive(fault) for fault in faults] == [None] * 7
    assert socket.facts.malformed == {
        "not_json": 2,
        "not_an_object": 1,
        "unknown_kind": 1,
        "bad_base64": 1,
        "odd_length": 1,
        "bad_participant": 1,
    }
    assert socket.facts.malformed_total == 7
    assert isinstance(socket.receive(audio(0)), PcmFrame)


def test_nothing_but_nonsense_closes_the_socket_in_the_end() -> None:
    socket = Socket()
    for _ in range(249):
        assert socket.receive("junk") is None
    assert socket.closes("junk").code == 1007


def test_one_good_message_forgives_the_nonsense_before_it() -> None:
    socket = Socket()
    for index in range(1000):
        socket.receive(audio(index) if index % 200 == 0 else "junk", index * 20)
    assert socket.facts.malformed_total == 995


def test_a_flood_of_names_is_not_remembered() -> None:
    socket = Socket()
    for index in range(500):
        socket.receive(audio(0, f"8:acs:{index}"), index * 40)
        socket.receive(audio(0, "8:acs:0"), index * 40)
    assert len(socket.facts.first_timestamps) == 400
    assert socket.facts.malformed == {"too_many_participants": 100}


def test_a_frame_of_another_length_is_counted_and_used() -> None:
    socket = Socket()
    for media_ms, length in [(0, 640), (20, 1280), (60, 1280), (100, 0), (120, 640)]:
        assert isinstance(socket.receive(audio(media_ms, data=b64encode(bytes(length)).decode()), media_ms), PcmFrame)
    assert (socket.facts.wrong_size, socket.facts.frames_received) == (3, 5)
    assert socket.facts.gaps == 0


def test_a_stream_without_a_hole_has_no_gap() -> None:
    socket = Socket()
    socket.stream(steps(0, 500))
    assert (socket.facts.gaps, socket.facts.lost_ms, socket.facts.frames_received) == (0, 0, 500)


def test_missing_frames_are_one_gap_and_their_time_is_lost() -> None:
    socket = Socket()
    socket.stream(steps(0, 10) + steps(260, 10))
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (1, 60)


def test_a_single_missing_frame_is_a_gap_of_20_ms() -> None:
    socket = Socket()
    socket.stream(steps(0, 10) + steps(220, 10) + steps(440, 10))
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (2, 40)


def test_jitter_on_the_way_is_no_gap() -> None:
    socket = Socket()
    socket.stream(steps(0, 200), late_ms=lambda at_ms: 400 if 1000 <= at_ms < 1400 else 0)
    assert (socket.facts.gaps, socket.facts.lost_ms) == (0, 0)


def test_repeated_and_overtaken_frames_never_count_negative() -> None:
    socket = Socket()
    socket.stream([0, 20, 40, 40, 20, 60, 80])
    assert (socket.facts.gaps, socket.facts.lost_ms) == (0, 0)


def test_each_participant_has_a_clock_of_its_own() -> None:
    socket = Socket()
    for at_ms in steps(0, 50):
        socket.receive(audio(at_ms, "a"), at_ms)
        if at_ms != 400:
            socket.receive(audio(at_ms + 7, "b"), at_ms)
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (1, 20)


def test_a_hole_of_10_s_is_an_absence() -> None:
    socket = Socket()
    socket.stream(steps(0, 5) + steps(9_000, 5), "a")
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (1, 8_900)
    socket.stream(steps(20_000, 5), "a")
    assert socket.facts.gaps == 1


def test_among_more_than_four_speakers_one_second_is_an_absence() -> None:
    socket = Socket()
    for raw_id in "abcde":
        socket.stream(steps(0, 5), raw_id)
    socket.stream(steps(2_000, 5), "a")
    assert socket.facts.gaps == 0
    socket.stream(steps(500, 5), "b")
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (1, 400)


def test_without_timestamps_a_hole_in_arrival_is_a_gap() -> None:
    socket = Socket()
    for at_ms in steps(0, 50) + steps(1_480, 50):
        socket.receive(audio(None), at_ms)
    assert (socket.facts.gaps, round(socket.facts.lost_ms)) == (1, 480)


def test_without_timestamps_jitter_below_100_ms_is_no_gap() -> None:
    socket = Socket()
    for at_ms in steps(0, 200):
        socket.receive(audio(None), at_ms + (90 if at_ms % 400 == 0 else 0))
    assert socket.facts.gaps == 0


def test_timestamps_that_come_and_go_are_no_gap() -> None:
    socket = Socket()
    for index, at_ms in enumerate(steps(0, 100)):
        socket.receive(audio(at_ms if index % 3 else None), at_ms)
    assert (socket.facts.gaps, socket.facts.frames_received) == (0, 100)


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_is_neither_gap_nor_lag(jump_ms: float) -> None:
    socket = Socket()
    socket.stream(steps(0, 100))
    for at_ms in steps(2_000, 100):
        socket.receive(audio(at_ms + jump_ms), at_ms)
    assert (socket.facts.gaps, socket.facts.lost_ms) == (0, 0)
    assert socket.facts.lag_ms == pytest.approx(0, abs=1)


def test_a_stream_in_time_has_no_lag() -> None:
    socket = Socket()
    socket.stream(steps(0, 500), late_ms=lambda _: 150)
    assert socket.facts.lag_ms == pytest.approx(0, abs=0.5)


def test_a_stream_that_falls_behind_shows_by_how_much() -> None:
    socket = Socket()
    socket.stream(steps(0, 500), late_ms=lambda at_ms: 0 if at_ms < 5_000 else 300)
    assert socket.facts.lag_ms == pytest.approx(300, abs=3)
    socket.stream(steps(10_000, 200))
    assert socket.facts.lag_ms == pytest.approx(0, abs=3)


def test_lag_is_seen_without_timestamps_too() -> None:
    socket = Socket()
    for index, at_ms in enumerate(steps(0, 600)):
        socket.receive(audio(None), at_ms if index < 100 else at_ms + min(250, (index - 100) * 2))
    assert socket.facts.lag_ms == pytest.approx(250, abs=5)


def test_lost_frames_are_not_taken_for_lag() -> None:
    socket = Socket()
    socket.stream(steps(0, 100) + steps(3_000, 100))
    assert socket.facts.gaps == 1
    assert socket.facts.lag_ms == pytest.approx(0, abs=1)


def test_two_honest_clocks_do_not_add_up_to_a_lag() -> None:
    socket = Socket()
    drift = 50e-6  # ours runs faster than Azure's by what two quartz clocks differ
    socket.stream(steps(0, 30_000), late_ms=lambda at_ms: at_ms * drift)
    assert socket.facts.lag_ms < 1


def test_idle_time_counts_from_the_last_frame_or_from_the_start() -> None:
    socket = Socket()
    assert socket.session.idle_s(1030.0) == 30
    socket.receive(audio(0), 10_000)
    socket.receive("junk", 20_000)
    assert socket.session.idle_s(1030.0) == pytest.approx(20)


def flood(socket: Socket, seconds: float, haste: float, *speakers: str | None) -> StreamMustClose | None:
    """Sends sound `haste` times as fast as it plays; why the session ended, None if it did not."""
    for index in range(round(seconds * 50 * haste)):
        for speaker in speakers or (None,):
            try:
                socket.receive(audio(index * 20, speaker), index * 20 / haste)
            except StreamMustClose as end:
                return end
    return None


@pytest.mark.parametrize(("haste", "within_s"), [(100, 0.2), (10, 2.5), (4, 16)])
def test_a_flood_of_sound_closes_the_socket(haste: float, within_s: float) -> None:
    socket = Socket()
    end = flood(socket, within_s, haste)
    assert end is not None
    assert end.code == 1008
    assert socket.facts.frames_received * 0.02 <= 15 + 3 * within_s


@pytest.mark.parametrize("speakers", [(None,), ("a", "b", "c", "d")])
def test_three_times_real_time_is_no_flood(speakers: tuple[str | None, ...]) -> None:
    assert flood(Socket(), 60, 3, *speakers) is None


def test_what_waited_fifteen_seconds_in_the_network_may_come_at_once() -> None:
    socket = Socket()
    socket.stream(steps(0, 6_000))
    for round_ms in (120_000, 240_000):
        until_ms = round_ms + 14_800

        def held_back(at_ms: float, until_ms: float = until_ms) -> float:
            return until_ms - at_ms

        socket.stream(steps(round_ms, 740), late_ms=held_back)
        socket.stream(steps(until_ms, 2_000))
    assert socket.facts.frames_received == 6_000 + 2 * 2_740


def test_more_than_four_names_earn_nothing_more() -> None:
    end = flood(Socket(), 1, 100, *(f"speaker {number}" for number in range(50)))
    assert end is not None
    assert end.code == 1008


def all_at_once(socket: Socket, messages: list[str]) -> StreamMustClose | None:
    for message in messages:
        try:
            socket.receive(message, 100)
        except StreamMustClose as end:
            return end
    return None


@pytest.mark.parametrize("text", ["{", '{"kind":"DtmfData","dtmfData":{"data":"5"}}', metadata()])
def test_a_flood_of_other_messages_closes_the_socket(text: str) -> None:
    end = all_at_once(Socket(), [text] * 1_000)
    assert end is not None
    assert end.code in {1007, 1008}


def test_a_frame_that_says_much_costs_much() -> None:
    second = b64encode(bytes(32_000)).decode()
    end = all_at_once(Socket(), [audio(index * 1_000, data=second) for index in range(20)])
    assert end is not None
    assert end.code == 1008


def test_a_silent_stream_is_ended_once_and_closed_if_azure_does_not() -> None:
    session = MediaSession(16_000, 100.0)
    watch = IdleWatch(session, 60)
    assert [watch.look(100.0 + second) for second in (0, 30, 59.9)] == [None, None, None]
    assert [watch.look(100.0 + second) for second in (60, 61, 64.9)] == ["ask", None, None]
    assert watch.look(165.0) == "close"


def test_a_stall_is_told_once_and_its_length_when_it_is_over() -> None:
    socket = Socket()
    watch = StallWatch(socket.session)
    assert [watch.look(1000.0 + passed_s) for passed_s in (0.9, 1.0, 2.0)] == [None, (True, 1.0), None]
    socket.stream(steps(4_500, 10))
    assert (watch.look(1004.7), watch.look(1005.6)) == ((False, 4.5), None)


def test_a_stream_that_stalls_for_ever_anew_is_told_of_fifty_times() -> None:
    socket = Socket()
    watch = StallWatch(socket.session)
    told = 0
    for number in range(STALLS_TOLD + 5):
        socket.receive(audio(), 2_000 * number)
        told += watch.look(1000.0 + 2 * number + 0.1) is not None
        told += watch.look(1000.0 + 2 * number + 1.1) is not None
    assert told == 2 * STALLS_TOLD
