"""What all pages share: who may see them, and the frame around them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from calls.errors import CallError
from calls.forms import PlaceForm
from calls.models import Call
from calls.permissions import VIEW

View = Callable[..., HttpResponseBase]


def permitted(permission: str = VIEW) -> Callable[[View], View]:
    """A page for signed-in people with this permission: others sign in first, or get 403."""

    def decorate(view: View) -> View:
        return login_required(permission_required(permission, raise_exception=True)(view))

    return decorate


def render_page(
    request: HttpRequest, template: str, place: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page in the console's frame; `place` is the entry of the menu it belongs to."""
    return render(request, template, frame(request, place) | context, status=status)


def frame(request: HttpRequest, place: str) -> dict[str, Any]:
    """What the frame around every page needs."""
    live = Call.objects.visible_to(request.user).live()
    return {"place": place, "live_count": live.count(), "place_form": PlaceForm()}


def tell(request: HttpRequest, error: CallError) -> None:
    """A refusal as a message on the next page."""
    messages.error(request, error.message)
