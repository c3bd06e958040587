"""Search across everything said."""

from typing import Any

from django.db.models import Count, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.endpoint import Endpoint
from calls.api.finding import PAGING, PassageShape, SearchAsked, asked_in
from calls.permissions import VIEW
from calls.selectors.calls import people
from calls.selectors.search import Asked, passage_json, passages


class Search(Endpoint):
    needs = {"GET": VIEW}
    ordering = ("-started_at", "-id")
    refuses = {"GET": (400,)}

    @extend_schema(parameters=[SearchAsked], responses=PassageShape(many=True))
    def get(self, request: Request) -> Response:
        """Find what was said, newest first.

        Words are found whatever their case, accents and commonest endings; all of them must be in one passage.
        In quotation marks they are found as they are written, one after the other. `-word` must not be there, and
        `word*` goes on. Corrected text is searched. `count` passages in `calls` calls were found in all.
        """
        wanted = asked_in(request.query_params, SearchAsked, beside=PAGING).wanted()
        found: QuerySet[Any] = passages(request.user, wanted)
        asked = Asked.read(wanted.q)
        page = self.paginate_queryset(found.select_related("call").prefetch_related(_people_of_calls()))
        answer = self.get_paginated_response([passage_json(each, each.call, asked) for each in page or ()])
        answer.data.update(found.aggregate(count=Count("pk"), calls=Count("call_id", distinct=True)))
        return answer


def _people_of_calls() -> Any:
    prefetch = people()
    prefetch.add_prefix("call")
    return prefetch
