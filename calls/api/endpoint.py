"""What every address of the API has in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.bodies import Body, NothingBody
from calls.api.serializers import CommandShape
from calls.errors import NotFound
from calls.models import Call, Command
from calls.selectors import command_json
from calls.services import Actor

Row = TypeVar("Row", bound=Model)


class Endpoint(GenericAPIView[Any]):
    """`needs` names the permission for each method that the address takes, `refuses` what the schema should say of it
    besides what all addresses answer."""

    http_method_names = ["get", "head", "post", "patch", "delete"]
    filter_backends = []
    needs: ClassVar[Mapping[str, str]] = {}
    refuses: ClassVar[Mapping[str, tuple[int, ...]]] = {}

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Numbers and names are kept in no cache on the way."""
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)

    def call(self, call_id: UUID) -> Call:
        return found(Call.objects.visible_to(self.request.user), call_id, "call")

    def read(self, request: Request, body_type: type[Body]) -> dict[str, Any]:
        body = body_type(data=request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def pages(self, rows: QuerySet[Any], shape: Callable[[Any], object]) -> Response:
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response([shape(row) for row in page or ()])


class Verb(Endpoint):
    """An order to a call that needs no more than its address; answered 202 with the command to follow."""

    service: "ClassVar[staticmethod[[Actor, Call], Command]]"

    @extend_schema(request=None, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        self.read(request, NothingBody)
        command = type(self).service(Actor.of(request), self.call(call_id))
        return taken(command)


def taken(command: Command) -> Response:
    """An order was taken; the answer says where to follow it."""
    where = reverse("api:command", args=[command.pk])
    return Response(command_json(command), status=202, headers={"Location": where})


def found(rows: QuerySet[Row], pk: UUID, noun: str) -> Row:
    """The row with this id; raises NotFound."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no {noun} {pk}. It may have been deleted; look it up in the list.")
    return row
