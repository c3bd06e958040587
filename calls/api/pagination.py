"""Lists in pages: `{"results": […], "next": url|null, "previous": url|null}`."""

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from calls.errors import BadInput

if TYPE_CHECKING:  # REST framework's settings name this module, so its views cannot be imported here
    from rest_framework.views import APIView

MAX_PAGE: Final = 200
_START_AGAIN: Final = "Follow next and previous as they were given, or start again without a cursor."


class NewestFirst(CursorPagination):
    """Pages that stay right while new rows come: newest first, or as the view's `ordering` says."""

    ordering = "-created_at"
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows on a page, at most {MAX_PAGE}."
    cursor_query_description = "Where the page begins: part of next and previous."
    max_page_size = MAX_PAGE

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> tuple[str, ...]:
        return tuple(getattr(view, "ordering", ("-created_at", "-id")))

    def paginate_queryset(self, queryset: Any, request: Request, view: "APIView | None" = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, OverflowError) as error:
            raise _not_ours() from error  # a cursor whose position is no value of the column

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise _not_ours() from error
        if cursor is not None and "\0" in str(cursor.position):
            raise _not_ours()
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})


class InOrder(LimitOffsetPagination):
    """Pages by count, for lists that are put together from several tables."""

    default_limit = MAX_PAGE
    max_limit = 1_000
    limit_query_description = "Rows on a page, at most 1000."
    offset_query_description = "How many rows to pass over."

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        shape = super().get_paginated_response_schema(schema)
        shape["properties"].pop("count")
        shape["required"] = ["results"]
        return shape


def _not_ours() -> BadInput:
    return BadInput(f"The cursor is none of ours. {_START_AGAIN}", {"cursor": _START_AGAIN})
