import re
from pathlib import Path

import pytest

from acsportal.emulator.faults.catalogue import AVAILABLE, KINDS, OF_SOCKETS, BadFaultError, read_fault

NAMES = """
    drop_socket half_open_socket late_frames lose_frames wrong_length unknown_kind participant_null silent_absent
    duplicate_callback reorder_callbacks delay_callbacks lose_callback early_callback duplicate_incoming throttle
    unavailable slow_rest expired_token wrong_audience no_token stream_refused
    drop_transcript preview_transcript transcript_refused
"""


def refusal(**fields: object) -> str:
    with pytest.raises(BadFaultError) as refused:
        read_fault(fields)
    return str(refused.value)


def test_every_fault_is_there_and_told_in_a_sentence_with_its_options() -> None:
    assert set(KINDS) == set(NAMES.split())
    for name, words in AVAILABLE.items():
        assert re.match(r"[A-Z].+\. Options: .+\.$", words), words
        assert all(option in words for option in KINDS[name].options)


def test_options_left_out_have_their_defaults() -> None:
    fault = read_fault({"fault": "lose_frames"})
    assert fault.options == {"call": None, "after_s": 0.0, "duration_s": 5.0, "share": 0.2}


def test_every_fault_can_be_armed_with_nothing_but_its_name() -> None:
    assert {read_fault({"fault": name}).name for name in KINDS} == set(KINDS)


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    words = refusal(fault="earthquake")
    assert "“earthquake”" in words
    assert all(name in words for name in KINDS)
    assert "There is no fault" in refusal()


def test_an_option_that_a_fault_has_not_is_refused_with_those_it_has() -> None:
    assert (
        refusal(fault="drop_socket", share=1) == "The fault drop_socket has no option “share”. It takes call, after_s."
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"fault": "lose_frames", "share": 1.5}, "“share” must be a number from 0 to 1, not 1.5."),
        ({"fault": "lose_frames", "share": "all"}, "“share” must be a number from 0 to 1, not 'all'."),
        ({"fault": "lose_callback", "count": 0}, "“count” must be a whole number from 1 to 100000, not 0."),
        ({"fault": "lose_callback", "count": True}, "“count” must be a whole number from 1 to 100000, not True."),
        ({"fault": "lose_callback", "count": 1.5}, "“count” must be a whole number from 1 to 100000, not 1.5."),
        ({"fault": "lose_callback", "type": 7}, "“type” must be a text, not 7."),
        ({"fault": "no_token", "where": "door"}, "“where” must be one of callback, socket, transcription, not 'door'."),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_can(fields: dict[str, object], words: str) -> None:
    assert refusal(**fields) == words


def test_each_fault_of_sockets_is_one_that_the_stream_knows() -> None:
    assert set(KINDS) > OF_SOCKETS
    stream = (
        Path("acsportal/emulator/media/stream.py").read_text()
        + Path("acsportal/emulator/media/troubles.py").read_text()
    )
    assert all(f'"{name}"' in stream for name in OF_SOCKETS)
