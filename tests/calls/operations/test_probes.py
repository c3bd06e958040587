"""/livez and /metrics, asked as an orchestrator and Prometheus ask them. /readyz: test_readiness.py."""

import os
from typing import Any

import pytest
from django.test import Client

from calls.operations.process import PROCESS_ID

pytestmark = pytest.mark.django_db


def test_a_living_process_says_who_it_is() -> None:
    answer = Client().get("/livez")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "worker": PROCESS_ID, "pid": os.getpid()}
    assert "no-store" in answer["Cache-Control"]


# --- Who may read the figures ----------------------------------------------------------------------------------------


def test_the_figures_are_for_this_machine_alone() -> None:
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    for address in ("192.0.2.7", "10.0.0.1", "", "nonsense"):
        assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_does_not_open_the_door(header: str) -> None:
    assert Client().get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_who_brings_the_token_reads_them_from_anywhere(settings: Any) -> None:
    settings.METRICS_TOKEN = "a-long-secret"
    far = Client(REMOTE_ADDR="192.0.2.7")
    assert far.get("/metrics", headers={"Authorization": "Bearer a-long-secret"}).status_code == 200
    assert far.get("/metrics", headers={"Authorization": "bearer a-long-secret"}).status_code == 200
    for wrong in ("Bearer a-long-secre", "Bearer", "a-long-secret", "Basic a-long-secret", ""):
        assert far.get("/metrics", headers={"Authorization": wrong}).status_code == 404
    assert Client().get("/metrics").status_code == 404, "with a token, this machine needs it as well"


def test_a_visitor_can_do_nothing_but_read() -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert Client().post(path).status_code == 405
