from collections.abc import Callable
from typing import Any

import pytest

from acsportal.emulator.exchange import Options


def test_a_key_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?i)padding|base64"):
        Options(access_key="not base64!")


def test_an_address_without_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="http://"):
        Options(portal="localhost:8000")


def test_events_go_to_the_portals_event_door() -> None:
    assert Options(portal="http://localhost:8000/").subscription().url == "http://localhost:8000/acs/events/"


def test_old_ended_calls_are_forgotten_and_live_ones_kept(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(Options(port=0, kept_calls=2))
    ended, live = bench.ring(), bench.ring()
    bench.order(f"calls/{ended}/hang-up")
    third = bench.ring()
    assert bench.look(live)["state"] == bench.look(third)["state"] == "ringing"
    assert "error" in bench.look(ended)
