import json
from typing import Any

import pytest

from calls.errors import BadInput
from calls.profiles import StreamingProfile


@pytest.mark.parametrize("left_out", [None, {}])
def test_what_is_left_out_takes_the_default(left_out: Any) -> None:
    assert StreamingProfile.parse(left_out).as_json() == {
        "channel_type": "unmixed",
        "sample_rate_hz": 16000,
        "bidirectional": True,
        "dtmf": True,
        "start": "now",
    }


def test_a_profile_survives_json() -> None:
    profile = StreamingProfile("mixed", 24000, False, False, "later")
    assert StreamingProfile.parse(json.loads(json.dumps(profile.as_json()))) == profile


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("channel_type", "stereo", "channel_type must be mixed or unmixed."),
        ("sample_rate_hz", 48000, "sample_rate_hz must be 16000 or 24000."),
        ("sample_rate_hz", "16000", "sample_rate_hz must be 16000 or 24000."),
        ("sample_rate_hz", 16000.0, "sample_rate_hz must be 16000 or 24000."),
        ("bidirectional", 1, "bidirectional must be true or false."),
        ("bidirectional", None, "bidirectional must be true or false."),
        ("dtmf", "yes", "dtmf must be true or false."),
        ("start", True, "start must be now or later."),
        ("channel_type", ["mixed"], "channel_type must be mixed or unmixed."),
        ("codec", "opus", "codec is unknown; a profile has channel_type, sample_rate_hz, bidirectional, dtmf, start."),
    ],
)
def test_a_wrong_member_is_named_with_what_it_may_be(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(BadInput) as caught:
        StreamingProfile.parse({name: value})
    assert caught.value.fields == {name: allowed}
    assert allowed in caught.value.message


def test_every_wrong_member_is_named_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        StreamingProfile.parse({"start": "soon", "sample_rate_hz": 8000, "dtmf": False})
    assert set(caught.value.fields) == {"start", "sample_rate_hz"}


@pytest.mark.parametrize("other", ["mixed", 16000, [], True])
def test_a_profile_that_is_no_object_is_refused(other: Any) -> None:
    with pytest.raises(BadInput, match="not an object"):
        StreamingProfile.parse(other)
