"""Every refusal in one shape: `{"error": {"code", "message", "fields"}}`. The message says thing, fact and remedy."""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import Error
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from calls.errors import CallError, GatewayError

log = logging.getLogger(__name__)

WAIT_S: Final = 60


def as_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to anything that a view raised; what nobody foresaw is logged and answered 500 (database: 503)."""
    if isinstance(error, CallError):
        pause_s = error.retry_after_s if isinstance(error, GatewayError) else None
        headers = {} if pause_s is None else {"Retry-After": str(math.ceil(pause_s))}
        return _answer(error.status, error.code, error.message, error.fields, headers)
    if isinstance(error, exceptions.ValidationError):
        return _bad_fields(error)
    if isinstance(error, exceptions.APIException):
        return _refused(error, context)
    if isinstance(error, Http404):
        return _answer(404, "not_found", "There is nothing at this address. Check it against /api/docs/.")
    if isinstance(error, PermissionDenied):
        return _answer(403, "not_allowed", "This is not permitted. Ask an administrator for the permission.")
    if isinstance(error, RequestDataTooBig):
        return _answer(413, "too_large", "The body is too large. Send less at once.")
    if isinstance(error, SuspiciousOperation):
        return _answer(400, "bad_input", "The body has too many parts. Send only those needed.")
    if isinstance(error, Error):
        log.error("the database did not answer a request", exc_info=error)
        return _answer(503, "unavailable", "The database does not answer. Try again in a moment.")
    log.error("a request failed", exc_info=error)
    return _answer(500, "internal", "The portal has a fault of its own. Try again; the log of the portal says more.")


def refusal(code: str, message: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    words = {_clean(name): _clean(fault) for name, fault in (fields or {}).items()}
    return {"error": {"code": code, "message": _clean(message), "fields": words}}


def _answer(
    status: int,
    code: str,
    message: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(refusal(code, message, fields), status=status, headers=dict(headers or {}))


def _clean(text: str) -> str:
    """Without half characters (lone surrogates), which no answer can carry."""
    return text.encode("utf-8", "replace").decode()


def _bad_fields(error: exceptions.ValidationError) -> Response:
    fields = dict(_flat(error.detail, ""))
    whole = fields.pop("", "")
    told = " ".join([whole, *(f"{name}: {fault}" for name, fault in fields.items())]).strip().rstrip(".")
    return _answer(400, "bad_input", f"The request cannot be used. {told}.", fields)


def _flat(detail: Any, path: str) -> Iterator[tuple[str, str]]:
    """Faults by dotted path; what concerns the whole has the path of its parent."""
    if isinstance(detail, Mapping):
        for name, inside in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inside, path if whole else f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list) and any(isinstance(each, Mapping | list) for each in detail):
        for index, inside in enumerate(detail):
            yield from _flat(inside, f"{path}.{index}" if path else str(index))
    else:
        yield path, " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


def _refused(error: exceptions.APIException, context: Mapping[str, Any]) -> Response:
    says = str(error.detail).rstrip(".")
    match error:
        case exceptions.NotAuthenticated():
            message = "Nobody is signed in. Send the header Authorization: Api-Key <secret>, or sign in at the portal."
            return _answer(401, "not_signed_in", message, headers=_challenge(error))
        case exceptions.AuthenticationFailed():
            return _answer(401, "not_signed_in", f"{says}.", headers=_challenge(error))
        case exceptions.ParseError():
            return _answer(400, "malformed", f"The body cannot be read: {says}. Send what its Content-Type promises.")
        case exceptions.NotFound():
            return _answer(404, "not_found", f"{says}. Check the address against /api/docs/.")
        case exceptions.PermissionDenied():
            return _answer(403, "not_allowed", f"{says}.")
        case exceptions.MethodNotAllowed():
            verbs = ", ".join(context["view"].allowed_methods)
            return _answer(405, "method_not_allowed", f"{says}. This address takes {verbs}.", headers={"Allow": verbs})
        case exceptions.NotAcceptable():
            return _answer(406, "not_acceptable", "The API answers with JSON only. Accept application/json.")
        case exceptions.UnsupportedMediaType():
            taken = " or ".join(each.media_type for each in context["view"].parser_classes)
            return _answer(415, "unsupported_media_type", f"{says}. Send {taken}.")
        case exceptions.Throttled():
            wait_s = max(1, math.ceil(getattr(error, "wait", None) or WAIT_S))
            message = f"Too many requests came from you. Ask again in {wait_s} s."
            return _answer(429, "too_many", message, headers={"Retry-After": str(wait_s)})
    return _answer(error.status_code, str(error.default_code), f"{says}.")


def _challenge(error: exceptions.APIException) -> dict[str, str]:
    return {"WWW-Authenticate": str(getattr(error, "auth_header", ""))}
