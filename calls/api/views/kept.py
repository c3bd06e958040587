"""What is kept besides calls: policies, API keys, and the audit."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from calls import services
from calls.api.bodies import ChangedPolicyBody, KeyBody, PolicyBody
from calls.api.endpoint import Endpoint, found
from calls.api.filters import AuditFilter, MatchQuestion
from calls.api.serializers import AuditShape, IssuedKeyShape, KeyShape, PolicyShape, VerdictShape
from calls.errors import NotFound
from calls.models import ApiKey, AuditEntry, CallPolicy
from calls.permissions import VERBS
from calls.selectors import audit_rows, key_json, policy_json
from calls.services import Actor


class Policies(Endpoint):
    needs = {"GET": VERBS["view_policy"], "POST": VERBS["add_policy"]}
    ordering = ("position", "id")

    @extend_schema(responses=PolicyShape(many=True))
    def get(self, request: Request) -> Response:
        """List call policies, in the order in which they are asked."""
        return self.pages(CallPolicy.objects.all(), policy_json)

    @extend_schema(request=PolicyBody, responses={201: PolicyShape})
    def post(self, request: Request) -> Response:
        """Add a call policy."""
        policy = services.add_policy(Actor.of(request), _filled(CallPolicy(), self.read(request, PolicyBody)))
        return Response(policy_json(policy), status=201)


class OnePolicy(Endpoint):
    needs = {"GET": VERBS["view_policy"], "PATCH": VERBS["change_policy"], "DELETE": VERBS["delete_policy"]}

    @extend_schema(responses=PolicyShape)
    def get(self, request: Request, policy_id: int) -> Response:
        """Read a call policy."""
        return Response(policy_json(_policy(policy_id)))

    @extend_schema(request=ChangedPolicyBody, responses=PolicyShape)
    def patch(self, request: Request, policy_id: int) -> Response:
        """Change a call policy; what is left out stays as it is."""
        policy = _filled(_policy(policy_id), self.read(request, ChangedPolicyBody))
        return Response(policy_json(services.change_policy(Actor.of(request), policy)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, policy_id: int) -> Response:
        """Delete a call policy. Calls that it took keep its name."""
        services.delete_policy(Actor.of(request), _policy(policy_id))
        return Response(status=204)


class PolicyMatch(Endpoint):
    needs = {"GET": VERBS["view_policy"]}
    pagination_class = None
    refuses = {"GET": (400,)}

    @extend_schema(parameters=MatchQuestion.parameters(), responses=VerdictShape)
    def get(self, request: Request) -> Response:
        """Say which policy would take a call, and what each one says to it."""
        asked = MatchQuestion.read(request.query_params)
        verdicts = services.verdicts(asked.caller, asked.callee, asked.at)
        taken = next((each.policy for each in verdicts if each.takes), None)
        said = [
            {"policy": each.policy.pk, "name": each.policy.name, "takes": each.takes, "obstacle": each.obstacle}
            for each in verdicts
        ]
        return Response({"policy": policy_json(taken) if taken else None, "said": said})


class Keys(Endpoint):
    needs = {"GET": VERBS["view_key"], "POST": VERBS["issue_key"]}

    @extend_schema(responses=KeyShape(many=True))
    def get(self, request: Request) -> Response:
        """List API keys, newest first. Their secrets are not stored."""
        return self.pages(ApiKey.objects.select_related("created_by"), key_json)

    @extend_schema(request=KeyBody, responses={201: IssuedKeyShape})
    def post(self, request: Request) -> Response:
        """Issue an API key with scopes that you have yourself. Its secret is in this answer and nowhere else."""
        order = self.read(request, KeyBody)
        creator = request.user if isinstance(request.user, User) else None
        key, secret = services.issue_key(
            Actor.of(request),
            order["name"],
            order["scopes"],
            holder=request.user,
            creator=creator,
            expires_at=order.get("expires_at"),
        )
        return Response({**key_json(key), "secret": secret}, status=201)


class OneKey(Endpoint):
    needs = {"GET": VERBS["view_key"], "DELETE": VERBS["revoke_key"]}
    refuses = {"DELETE": (409,)}

    @extend_schema(responses=KeyShape)
    def get(self, request: Request, key_id: UUID) -> Response:
        """Read an API key, without its secret."""
        return Response(key_json(found(ApiKey.objects.select_related("created_by"), key_id, "API key")))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke an API key: it lets nobody in any more. It stays listed."""
        services.revoke_key(Actor.of(request), found(ApiKey.objects.all(), key_id, "API key"))
        return Response(status=204)


class Audit(Endpoint):
    needs = {"GET": VERBS["view_audit"]}
    queryset = AuditEntry.objects.all()
    filter_backends = [DjangoFilterBackend]
    filterset_class = AuditFilter
    ordering = ("-number",)

    @extend_schema(
        responses=AuditShape(many=True),
        parameters=[OpenApiParameter("call", UUID, description="Entries about one call.")],
    )
    def get(self, request: Request) -> Response:
        """List who did what, newest first."""
        rows: QuerySet[Any] = AuditEntry.objects.visible_to(request.user)
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(audit_rows(page or []))


def _policy(policy_id: int) -> CallPolicy:
    policy = CallPolicy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise NotFound(f"There is no policy {policy_id}. It may have been deleted; look it up in the list.")
    return policy


def _filled(row: Model, given: dict[str, Any]) -> Any:
    for name, value in given.items():
        setattr(row, name, value)
    return row
