import pytest

from acsportal.emulator import errors
from acsportal.emulator.errors import AzureError


def test_an_error_has_azures_shape() -> None:
    error = errors.call_not_found("cc-1")
    assert error.status == 404
    assert error.body()["error"]["code"] == "8522"
    assert "cc-1" in error.body()["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.participant_not_found("4:+1"), 404, "8522"),
        (errors.ringing_is_over(), 404, "8522"),
        (errors.not_established("x"), 400, "8501"),
        (errors.terminated("x"), 400, "8528"),
        (errors.conflict(), 409, "8519"),
        (errors.invalid("x"), 400, "8523"),
        (errors.not_supported("x"), 405, "8520"),
        (errors.wrong_state("x"), 400, "8585"),
        (errors.media_mode("x"), 400, "8500"),
        (errors.no_stream_url(), 400, "8581"),
        (errors.signature_refused("x"), 401, "7509"),
    ],
)
def test_each_refusal_has_the_code_of_the_sheet(error: AzureError, status: int, code: str) -> None:
    assert (error.status, error.code) == (status, code)
