"""The errors of this room: raised where the fact is known, answered at the door (page, API, admin).

Every message is a sentence for the person who reads it: the thing, the fact, the remedy.
"""

from collections.abc import Mapping


class CallError(Exception):
    """Something asked of us cannot be done.

    `code` is a short machine word, `message` a sentence, `fields` names what is wrong with single inputs
    (field name → sentence), `status` is the HTTP status a door answers with.
    """

    status: int = 400

    def __init__(self, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})


class BadInput(CallError):  # noqa: N818
    """What was sent cannot be used; `fields` says which part and what would be right."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__("bad_input", message, fields)


class NotAllowed(CallError):  # noqa: N818
    """The actor lacks the permission for this verb."""

    status = 403

    def __init__(self, message: str) -> None:
        super().__init__("not_allowed", message)


class NotFound(CallError):  # noqa: N818
    """There is no such thing, or none this actor may know of."""

    status = 404

    def __init__(self, message: str) -> None:
        super().__init__("not_found", message)


class CallStateError(CallError):
    """The verb is known and permitted, but not in the state the call is in now."""

    status = 409

    def __init__(self, message: str) -> None:
        super().__init__("wrong_state", message)


class Full(CallError):  # noqa: N818
    """As many calls live as may."""

    status = 503

    def __init__(self, message: str) -> None:
        super().__init__("full", message)


class TooLarge(CallError):  # noqa: N818
    """An upload or a body exceeds its limit."""

    status = 413

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__("too_large", message, fields)


class UnsupportedAudio(CallError):  # noqa: N818
    """A file is no audio that this portal can decode."""

    status = 415

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__("unsupported_audio", message, fields)


class GatewayError(CallError):
    """Azure refused, failed, or could not be asked.

    `code`: azure_refused azure_throttled azure_unavailable azure_garbled (502) ·
    azure_timeout azure_unreachable azure_key_refused azure_not_configured (503; the key's refusal is 502).
    `azure_status` and `subcode` are Azure's own numbers, None when it never answered.
    `retryable`: asking again later, unchanged, can succeed.
    `may_have_happened`: the order may have reached Azure and be carried out although no answer came; its
    callback, if one comes, is the truth.
    `retry_after_s`: the pause that Azure asked for by its Retry-After, None if it named none.
    The message may quote Azure, so it is for people and rows, never for a log line.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 502,
        azure_status: int | None = None,
        subcode: int | None = None,
        retryable: bool = False,
        may_have_happened: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.azure_status = azure_status
        self.subcode = subcode
        self.retryable = retryable
        self.may_have_happened = may_have_happened
        self.retry_after_s = retry_after_s


class Busy(CallError):  # noqa: N818
    """More is asked of this process at once than it takes."""

    status = 503

    def __init__(self, message: str) -> None:
        super().__init__("busy", message)
