from uuid import UUID

import pytest
from django.db import connection
from rest_framework.exceptions import ValidationError

from calls.api.errors import as_response
from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db

NO_ID = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")


def holds_the_shape(content: object) -> None:
    assert isinstance(content, dict)
    assert set(content) == {"error"}
    error = content["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"].replace("_", "").isalpha()
    assert error["message"].endswith(".")
    assert all(isinstance(fault, str) for fault in error["fields"].values())


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status", "code"),
    [
        ("GET", f"calls/{NO_ID}/", b"", "application/json", 404, "not_found"),
        ("GET", "calls/none/", b"", "application/json", 404, "not_found"),
        ("GET", "nothing/here/", b"", "application/json", 404, "not_found"),
        ("GET", "/api/v2/calls/", b"", "application/json", 404, "not_found"),
        ("PUT", "calls/", b"{}", "application/json", 405, "method_not_allowed"),
        ("OPTIONS", "calls/", b"", "application/json", 405, "method_not_allowed"),
        ("DELETE", f"calls/{NO_ID}/", b"", "application/json", 405, "method_not_allowed"),
        ("POST", "calls/", b"{", "application/json", 400, "malformed"),
        ("POST", "calls/", b'{"callee": "\xff"}', "application/json", 400, "malformed"),
        ("POST", "calls/", b'{"callee": NaN}', "application/json", 400, "malformed"),
        ("POST", "calls/", b"[]", "application/json", 400, "bad_input"),
        ("POST", "calls/", b"null", "application/json", 400, "bad_input"),
        ("POST", "calls/", b"{}", "application/json", 400, "bad_input"),
        ("POST", "calls/", b"callee=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ("POST", "clips/", b"{}", "application/json", 415, "unsupported_media_type"),
        ("POST", "clips/", b"garbage", "multipart/form-data; boundary=x", 400, "bad_input"),
        ("POST", "clips/", b"garbage", "multipart/form-data", 400, "malformed"),
    ],
)
def test_every_refusal_has_one_shape(
    integrator: Door, method: str, path: str, body: bytes, content_type: str, status: int, code: str
) -> None:
    answer = integrator.raw(method, path, body, content_type)
    holds_the_shape(answer.json)
    assert (answer.status, answer.error["code"]) == (status, code)


def test_a_method_that_does_not_exist_is_answered_with_those_that_do(integrator: Door) -> None:
    answer = integrator.raw("PATCH", "calls/", b"{}")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert "takes GET, HEAD, POST." in answer.error["message"]


def test_a_client_that_takes_no_json_is_told_so_in_json(integrator: Door) -> None:
    response = integrator.client.get("/api/v1/calls/", headers={"Accept": "text/html"})
    assert response.status_code == 406
    holds_the_shape(response.json())


def test_a_field_is_named_by_its_path(integrator: Door) -> None:
    answer = integrator.post("calls/", {"callee": "+14255550123", "streaming": {"sample_rate_hz": 8000, "colour": 1}})
    assert answer.status == 400
    assert set(answer.error["fields"]) == {"streaming.sample_rate_hz", "streaming.colour"}
    assert "16000 or 24000" in answer.error["message"]


def test_a_misspelt_member_is_refused_by_name(integrator: Door) -> None:
    answer = integrator.post("calls/", {"calle": "+14255550123"})
    assert answer.status == 400
    known = "callee, caller, streaming, recording, transcript"
    assert answer.error["fields"] == {"calle": f"This is unknown here; the body may hold {known}."}


@pytest.mark.parametrize(
    "body", [b'{"\\ud800": 1}', b'{"callee": "x", "streaming": {"\\udfff": 1}}', b'{"callee": "\\ud800"}']
)
def test_half_characters_are_refused_and_never_sent_back(integrator: Door, body: bytes) -> None:
    answer = integrator.raw("POST", "calls/", body)
    holds_the_shape(answer.json)
    assert answer.status == 400


def test_a_database_that_fails_is_503(integrator: Door, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE calls_streamsession RENAME TO calls_elsewhere")
    answer = integrator.get("streams/")
    holds_the_shape(answer.json)
    assert (answer.status, answer.error["code"]) == (503, "unavailable")
    assert "the database did not answer" in caplog.text


def test_what_nobody_foresaw_is_500_and_logged_without_being_told(caplog: pytest.LogCaptureFixture) -> None:
    response = as_response(RuntimeError("inner secret"), {})
    holds_the_shape(response.data)
    assert response.status_code == 500
    assert "inner secret" not in str(response.data)
    assert "inner secret" in caplog.text


def test_faults_in_lists_are_named_by_their_place() -> None:
    response = as_response(ValidationError({"steps": [{}, {"at": ["Too late."]}]}), {})
    assert response.data["error"]["fields"] == {"steps.1.at": "Too late."}
