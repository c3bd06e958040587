"""Bodies that no SDK would send are refused with the field that is wrong."""

from typing import Any

import pytest

from acsportal.emulator.errors import AzureError
from acsportal.emulator.operations import asking


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (asking.text_of, {"x": 1}),
        (asking.object_of, {"x": []}),
        (asking.list_of, {"x": {}}),
        (asking.flag_of, {"x": "true"}),
        (asking.tones_of, {"x": ["one", 2]}),
        (lambda body, name: asking.url_of(body, name, ("http",)), {"x": "http://"}),
        (lambda body, name: asking.seconds_of(body, name, 5, 1, 60), {"x": 0}),
        (lambda body, name: asking.seconds_of(body, name, 5, 1, 60), {"x": True}),
        (lambda body, name: asking.choice_of(body, name, ("a", "b")), {"x": "c"}),
        (lambda body, name: asking.choice_of(body, name, ("a", "b")), {}),
    ],
)
def test_what_is_not_what_it_should_be_is_named(read: Any, body: Any) -> None:
    with pytest.raises(AzureError, match=r"\bx\b") as refusal:
        read(body, "x")
    assert (refusal.value.status, refusal.value.code) == (400, "8523")


@pytest.mark.parametrize(
    ("target", "raw_id"),
    [
        ({"rawId": "4:+14255550123"}, "4:+14255550123"),
        ({"phoneNumber": {"value": "+14255550123"}}, "4:+14255550123"),
        ({"communicationUser": {"id": "8:acs:r_u"}}, "8:acs:r_u"),
        ({"id": "8:acs:r_u"}, "8:acs:r_u"),
    ],
)
def test_targets_are_known_by_raw_id_or_by_what_they_hold(target: dict[str, Any], raw_id: str) -> None:
    assert asking.target_of(target) == raw_id


@pytest.mark.parametrize("target", [None, [], "x", {}, {"rawId": "Nora"}, {"communicationUser": "x"}])
def test_a_target_without_an_address_is_invalid(target: Any) -> None:
    with pytest.raises(AzureError, match="usable rawId"):
        asking.target_of(target)


@pytest.mark.parametrize(
    "source", [None, {}, {"kind": "film"}, {"kind": "file", "file": {}}, {"kind": "text", "text": {"text": ""}}]
)
def test_a_play_source_without_content_is_invalid(source: Any) -> None:
    with pytest.raises(AzureError, match="Invalid argument"):
        asking.prompt_of(source, speaks=True)
