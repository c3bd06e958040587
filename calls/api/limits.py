"""How much may be asked: bodies of a bounded size, and a bounded number of requests per key or person."""

import logging
from collections.abc import Mapping
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle

from calls.errors import TooLarge
from calls.services.sound import MAX_FILE_BYTES, WHAT_FITS

if TYPE_CHECKING:  # REST framework's settings name this module, so its views cannot be imported here
    from rest_framework.views import APIView

log = logging.getLogger(__name__)

MAX_JSON_BYTES: Final = 256 * 1024
# The parts around a file: names, boundaries, options.
MAX_PARTS_BYTES: Final = 256 * 1024


class SmallJson(JSONParser):
    """JSON of at most MAX_JSON_BYTES, whatever its Content-Length says."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise TooLarge(f"The body has more than {MAX_JSON_BYTES // 1024} KiB. Send less, or a file as multipart.")
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("it is nested too deeply") from error


class Upload(MultiPartParser):
    """Multipart with one file of at most MAX_FILE_BYTES."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> "DataAndFiles[Any, Any]":
        request: Request = (parser_context or {})["request"]
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > MAX_FILE_BYTES + MAX_PARTS_BYTES:
            raise TooLarge(f"The body has {length / 1e6:.0f} MB. {WHAT_FITS}", {"audio": WHAT_FITS})
        return super().parse(stream, media_type, parser_context)


class PerActor(ScopedRateThrottle):
    """Rates `read` and `order` of the settings, per API key or person.

    A cache that does not answer lets everybody in: calls must stay steerable while Redis is away.
    """

    _cache_is_down = False

    def allow_request(self, request: Request, view: "APIView") -> bool:
        self.scope = "read" if request.method in SAFE_METHODS else "order"
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        try:
            allowed = super(ScopedRateThrottle, self).allow_request(request, view)
        except Exception as error:  # each cache has errors of its own
            if not PerActor._cache_is_down:
                log.error("the cache does not answer (%s): requests are not counted", type(error).__name__)
            PerActor._cache_is_down = True
            return True
        PerActor._cache_is_down = False
        return allowed
