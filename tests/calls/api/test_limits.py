import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db


def test_a_body_of_more_than_256_kib_is_413(integrator: Door) -> None:
    body = json.dumps({"callee": "+1" * 200_000}).encode()
    answer = integrator.raw("POST", "calls/", body)
    assert (answer.status, answer.error["code"]) == (413, "too_large")


def test_a_body_nested_beyond_all_measure_is_400(integrator: Door) -> None:
    answer = integrator.raw("POST", "calls/", b'{"callee":' + b"[" * 100_000)
    assert (answer.status, answer.error["code"]) == (400, "malformed")


def test_an_upload_that_announces_more_than_50_mb_is_413_before_it_is_read(integrator: Door) -> None:
    many = str(60_000_000)
    kind = "multipart/form-data; boundary=x"
    response: Any = integrator.client.generic("POST", "/api/v1/clips/", b"--x", kind, CONTENT_LENGTH=many)
    assert response.status_code == 413
    assert "10 minutes and 50 MB" in response.json()["error"]["fields"]["audio"]


def test_a_multipart_with_endless_small_parts_is_400(integrator: Door) -> None:
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="p%d"\r\n\r\n\r\n' % index for index in range(1100))
    answer = integrator.raw("POST", "clips/", parts + b"--x--\r\n", "multipart/form-data; boundary=x")
    assert (answer.status, answer.error["code"]) == (400, "bad_input")


def test_orders_are_counted_per_key_and_apart_from_reading(key: Callable[..., Door]) -> None:
    busy, quiet = key(), key()
    path = f"calls/{uuid4()}/answer/"
    assert {busy.post(path).status for _ in range(240)} == {404}
    refused = busy.post(path)
    assert (refused.status, refused.error["code"]) == (429, "too_many")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert f"Ask again in {refused.headers['Retry-After']} s." in refused.error["message"]
    assert busy.get("calls/").status == 200
    assert quiet.post(path).status == 404


def test_a_cache_that_is_away_stops_nobody(integrator: Door, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert [integrator.get("calls/").status for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("requests are not counted") == 1


def test_a_stranger_is_refused_before_anything_is_read() -> None:
    assert Door(Client()).raw("POST", "calls/", b"[" * 400_000).status == 401
