"""Azure's POST doors: verify, parse, one service call, 200.

Event Grid never repeats what was answered 400, 401, 403 or 413, so these are kept for bad credentials and bad bodies;
a fault of our own is always 503.
"""

import hmac
import logging
from collections.abc import Callable, Sequence
from functools import wraps

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from structlog.contextvars import bind_contextvars

from calls.auth import token_verifier
from calls.background import act
from calls.counters import count
from calls.errors import NotAllowed
from calls.events import Broken, EventError, GridEvent, parse_callbacks, parse_grid
from calls.models import Call
from calls.operations.heartbeat import others_take_calls
from calls.operations.process import draining
from calls.services import apply_event, store_grid_event, take
from calls.services.upkeep.troubles import tell_refused_callback
from calls.tokens import TokenError, read_call_token

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
GRID_ORIGIN = "eventgrid.azure.net"


def _door(view: View) -> View:
    """Azure has no CSRF token; what we cannot do now is 503, so that Azure asks again."""

    @csrf_exempt
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except RequestDataTooBig:
            return _refuse("too_large", 413, "The body is too large.")
        except Exception:  # whatever it is, it is not Azure's fault
            log.exception("an event could not be stored")
            return HttpResponse("The event could not be stored. Send it again.", status=503)

    return guarded


def _refuse(reason: str, status: int, text: str) -> HttpResponse:
    times = count(f"refused_{reason}")
    log.warning("a door refused a request: %s (%d so far)", reason, times)
    return HttpResponse(text, status=status, content_type="text/plain")


@_door
@require_http_methods(["POST", "OPTIONS"])
def grid_events(request: HttpRequest) -> HttpResponseBase:
    """Event Grid, both schemas: validation handshakes, and events that are rows before they are answered."""
    if not _grid_secret_fits(request):
        return _refuse("event_grid_secret", 401, "The Event Grid secret is missing or wrong.")
    if request.method == "OPTIONS":
        return _allow_origin(request)
    try:
        events = parse_grid(request.body)
    except EventError as error:
        return _refuse("event_grid_body", 400, str(error))
    code = next((each.validation_code for each in events if isinstance(each, GridEvent) and each.validation_code), "")
    if code:
        return JsonResponse({"validationResponse": code})
    leaves = draining.is_set()
    if leaves and _rings(events) and not others_take_calls():
        return _refuse("event_grid_draining", 503, "This process ends and takes no new calls. Send the event again.")
    _pass_over("an Event Grid delivery", events)
    stored = [store_grid_event(event) for event in events if not isinstance(event, Broken)]
    for event_id in stored:
        if event_id is not None and not leaves:  # the others look each 2 s for what waits
            act(take, event_id)
    return HttpResponse(status=200)


def _pass_over(where: str, events: Sequence[object]) -> None:
    """One line, however many there are."""
    broken = [event for event in events if isinstance(event, Broken)]
    if broken:
        first, many = broken[0], len(broken)
        times = count("events_passed_over", many)
        log.warning(
            "%d of %s passed over, first element %d: %s (%d so far)", many, where, first.index, first.reason, times
        )


def _rings(events: Sequence[GridEvent | Broken]) -> bool:
    return any(isinstance(event, GridEvent) and event.incoming is not None for event in events)


def _grid_secret_fits(request: HttpRequest) -> bool:
    wanted = settings.EVENT_GRID_SECRET
    given = request.headers.get("X-Event-Grid-Secret") or request.GET.get("token", "")
    return bool(wanted) and hmac.compare_digest(wanted.encode(), given.encode())


def _allow_origin(request: HttpRequest) -> HttpResponse:
    """The CloudEvents handshake (CloudEvents 1.0, abuse protection)."""
    origin = request.headers.get("WebHook-Request-Origin", "")
    if origin != GRID_ORIGIN:
        return _refuse("event_grid_origin", 403, "Only Event Grid may send events here.")
    response = HttpResponse(status=200)
    response["WebHook-Allowed-Origin"] = GRID_ORIGIN
    response["WebHook-Allowed-Rate"] = "*"
    response["Allow"] = "POST, OPTIONS"
    return response


@_door
@require_POST
def callbacks(request: HttpRequest, token: str) -> HttpResponseBase:
    """Call Automation's callbacks of one call: JWT and URL token must both be right."""
    try:
        call_id = read_call_token(token, "callbacks")
    except TokenError as error:
        return _refuse(f"callback_url_{error.reason}", 403, "This address is not, or no longer, valid.")
    bind_contextvars(call=str(call_id))
    admission = token_verifier().admit(request.headers.get("Authorization"), settings.ACS_TOKEN_CHECK)
    if not admission.let_in:
        tell_refused_callback(call_id, admission.reason)
        return _refuse(f"callback_token_{admission.reason}", admission.refusal_status, "The token was refused.")
    if admission.reason:
        log.warning("call %s: a callback was let in although its token is bad: %s", call_id, admission.reason)
    try:
        events = parse_callbacks(request.body)
    except EventError as error:
        return _refuse("callback_body", 400, str(error))
    refusal = None
    _pass_over(f"a callback of call {call_id}", events)
    for event in events:
        if isinstance(event, Broken):
            continue
        try:
            apply_event(call_id, event)
        except NotAllowed as error:
            refusal = _refuse("callback_connection", 403, error.message)
        except Call.DoesNotExist:
            return _refuse("callback_call", 404, "There is no such call.")
    return refusal or HttpResponse(status=200)


@csrf_exempt
@never_cache
def upgrade_required(request: HttpRequest, rest: str = "") -> HttpResponse:
    """A plain request to a socket's address."""
    response = HttpResponse("This address speaks WebSocket only.\n", status=426, content_type="text/plain")
    response["Upgrade"] = "websocket"
    response["Connection"] = "Upgrade"
    return response
