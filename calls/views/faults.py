"""What a browser is shown when a page failed."""

import sys

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.defaults import server_error

AGAIN_AFTER_S = 5


def failed(request: HttpRequest) -> HttpResponse:
    """500; but 503 if only the database did not answer, as it will again. Asks the database for nothing itself."""
    if not isinstance(sys.exc_info()[1], Error):
        return server_error(request)
    response = render(None, "503.html", status=503)
    response["Retry-After"] = str(AGAIN_AFTER_S)
    response["Cache-Control"] = "no-store"
    return response
