"""What a load balancer, an orchestrator or Prometheus asks."""

import hmac
import ipaddress
import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST

from calls.counters import count
from calls.operations import metrics
from calls.operations.process import PROCESS_ID
from calls.operations.readiness import checks

# What a proxy adds: a request with one of these comes from somewhere else than its connection.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


@never_cache
@require_GET
def livez(request: HttpRequest) -> HttpResponse:
    """The process answers; `worker` is its id, by which a test or an operator tells several apart."""
    return JsonResponse({"status": "ok", "worker": PROCESS_ID, "pid": os.getpid()})


@never_cache
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if this process may be given work; each check says how it is, and `status` names the worst."""
    found = checks()
    failed = any(each.state == "failed" for each in found)
    degraded = any(each.state == "degraded" for each in found)
    return JsonResponse(
        {
            "status": "unready" if failed else "degraded" if degraded else "ready",
            "worker": PROCESS_ID,
            "checks": {each.name: {"state": each.state, "said": each.said} for each in found},
        },
        status=503 if failed else 200,
    )


@never_cache
@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, for this machine itself or for who brings METRICS_TOKEN; for others there is no such page."""
    if not _may_read(request):
        count("refused_metrics")
        raise Http404
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN:
        return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    return _is_local(request)


def _is_local(request: HttpRequest) -> bool:
    """Whether it comes from this machine itself, and not through a proxy that runs on it."""
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
