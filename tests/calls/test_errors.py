import pytest

from calls.errors import (
    BadInput,
    CallError,
    CallStateError,
    GatewayError,
    NotAllowed,
    NotFound,
    TooLarge,
    UnsupportedAudio,
)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (CallError("odd", "Something is odd."), "odd", 400),
        (BadInput("The gain is no number."), "bad_input", 400),
        (NotAllowed("You may not hang up."), "not_allowed", 403),
        (NotFound("There is no such clip."), "not_found", 404),
        (CallStateError("The call has ended."), "wrong_state", 409),
        (TooLarge("The file is too large."), "too_large", 413),
        (UnsupportedAudio("The file is no audio."), "unsupported_audio", 415),
        (GatewayError("azure_refused", "Azure refused."), "azure_refused", 502),
        (GatewayError("azure_timeout", "Azure is silent.", status=503), "azure_timeout", 503),
    ],
)
def test_every_error_knows_its_code_and_http_status(error: CallError, code: str, status: int) -> None:
    assert (error.code, error.status) == (code, status)
    assert str(error) == error.message
    assert isinstance(error, CallError)


def test_fields_of_an_error_are_its_own_copy() -> None:
    fields = {"gain_db": "It must be a number."}
    error = BadInput("The gain is no number.", fields)
    fields.clear()
    assert error.fields == {"gain_db": "It must be a number."}
    assert CallStateError("The call has ended.").fields == {}


def test_the_status_of_one_gateway_error_leaves_the_others_alone() -> None:
    GatewayError("azure_timeout", "Azure is silent.", status=503)
    assert GatewayError("azure_refused", "Azure refused.").status == 502
