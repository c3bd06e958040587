import base64
import json
import random
from typing import Any

from acsportal.emulator.faults import read_fault
from acsportal.emulator.media.mixer import Frame
from acsportal.emulator.media.troubles import Troubles

STAMP = "2026-11-20T07:40:36.020Z"
FRAME = Frame("4:+14255550123", base64.b64encode(bytes(range(256)) * 2 + bytes(128)), False)


def suffering(name: str, **options: Any) -> Troubles:
    troubles = Troubles(random.Random(1))
    troubles.begin(read_fault({"fault": name, **options}), 100.0)
    return troubles


def said(troubles: Troubles, now_s: float = 100.0) -> dict[str, Any]:
    content = troubles.message(FRAME, STAMP, now_s)
    assert content is not None
    about: dict[str, Any] = json.loads(content)["audioData"]
    return about


def test_without_a_fault_a_frame_says_all_it_should() -> None:
    about = said(Troubles(random.Random(1)))
    assert set(about) == {"timestamp", "participantRawID", "data", "silent"}


def test_so_many_frames_are_lost_and_counted() -> None:
    troubles = suffering("lose_frames", share=0.25)
    lost = sum(troubles.message(FRAME, STAMP, 101.0) is None for _ in range(1000))
    assert lost == troubles.frames_lost
    assert 200 < lost < 300


def test_a_fault_ends_when_its_time_is_over() -> None:
    troubles = suffering("lose_frames", share=1, duration_s=2)
    assert troubles.message(FRAME, STAMP, 101.9) is None
    assert troubles.message(FRAME, STAMP, 102.0) is not None
    assert troubles.frames_lost == 1


def test_late_frames_are_late_until_then() -> None:
    troubles = suffering("late_frames", ms=400, duration_s=2)
    assert (troubles.delay_s(101.0), troubles.delay_s(102.1)) == (0.4, 0.0)


def test_frames_are_cut_or_repeated_to_the_length_asked_for() -> None:
    whole = base64.b64decode(FRAME.content)
    assert base64.b64decode(said(suffering("wrong_length", bytes=320))["data"]) == whole[:320]
    assert base64.b64decode(said(suffering("wrong_length", bytes=641))["data"]) == whole + whole[:1]
    assert said(suffering("wrong_length", bytes=0))["data"] == ""


def test_the_metadata_may_name_a_length_that_no_frame_has() -> None:
    troubles = suffering("wrong_length", of="metadata", bytes=640)
    assert troubles.named_length(960) == 640
    assert said(troubles)["data"] == FRAME.content.decode()
    assert suffering("wrong_length").named_length(640) == 640


def test_messages_of_unknown_kinds_come_one_before_each_frame() -> None:
    troubles = suffering("unknown_kind", count=2, kind="Whale")
    assert [[json.loads(each)["kind"] for each in troubles.between()] for _ in range(3)] == [["Whale"], ["Whale"], []]


def test_who_speaks_is_null_or_not_said() -> None:
    assert said(suffering("participant_null"))["participantRawID"] is None
    assert "participantRawID" not in said(suffering("participant_null", how="absent"))


def test_whether_it_is_silent_is_not_said() -> None:
    assert set(said(suffering("silent_absent"))) == {"timestamp", "participantRawID", "data"}


def test_a_new_socket_begins_without_the_old_ones_troubles() -> None:
    troubles = suffering("lose_frames", share=1)
    troubles.begin(read_fault({"fault": "unknown_kind"}), 100.0)
    troubles.end()
    assert said(troubles)
    assert troubles.between() == []
