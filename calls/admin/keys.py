"""API keys: issued, seen, revoked. A key's secret is shown once and never stored."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from calls import services
from calls.admin import cells
from calls.admin.forms import KeyForm
from calls.admin.pages import form_page, page
from calls.admin.typed import ModelAdmin
from calls.errors import CallError
from calls.models import ApiKey
from calls.permissions import VERBS
from calls.services import Actor


@admin.register(ApiKey)
class KeyAdmin(ModelAdmin[ApiKey]):
    list_display = ("name", "state_chip", "prefix_cell", "scope_count", "created_by", "created", "expires", "last_used")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "created_by__username")
    search_help_text = "Name, prefix or person"
    list_select_related = ("created_by",)
    actions = ("revoke",)
    fields = (
        "name",
        "state_chip",
        "prefix_cell",
        "scope_names",
        "created_by",
        "created",
        "expires",
        "last_used",
        "revoked",
    )
    readonly_fields = fields

    @admin.display(description="State")
    def state_chip(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            return cells.toned("bad", "close", "Revoked")
        if key.expires_at and key.expires_at <= timezone.now():
            return cells.toned("off", "clock", "Expired")
        return cells.toned("ok", "key", "Valid")

    @admin.display(description="Prefix", ordering="prefix")
    def prefix_cell(self, key: ApiKey) -> SafeString | str:
        return cells.address(key.prefix)

    @admin.display(description="May")
    def scope_count(self, key: ApiKey) -> str:
        return f"{len(key.scopes)} things" if len(key.scopes) != 1 else str(key.scopes[0])

    @admin.display(description="May")
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes) or "nothing"

    @admin.display(description="Created", ordering="created_at")
    def created(self, key: ApiKey) -> SafeString | str:
        return cells.when(key.created_at)

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString | str:
        return cells.when(key.expires_at) if key.expires_at else "never"

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> SafeString | str:
        return cells.when(key.last_used_at) if key.last_used_at else "never"

    @admin.display(description="Revoked")
    def revoked(self, key: ApiKey) -> SafeString | str:
        return cells.exact(key.revoked_at)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(VERBS["revoke_key"])

    def has_view_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_revoke_permission(request)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            try:
                services.revoke_key(Actor.of(request), key)
            except CallError as error:
                messages.warning(request, error.message)
                continue
            self.log_change(request, key, "Revoked")
            messages.success(request, f"{key.name} is revoked and lets nobody in any more.")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Answers with the secret itself, not with a redirect: a message would put it into a cookie or the database."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.user, request.POST or None)
        if form.is_valid():
            chosen = form.cleaned_data
            creator = request.user if isinstance(request.user, User) else None
            key, secret = services.issue_key(
                Actor.of(request),
                chosen["name"],
                chosen["scopes"],
                creator=creator,
                expires_at=chosen["expires_at"],
            )
            self.log_addition(request, key, [{"added": {}}])
            return page(
                self, request, "admin/calls/apikey/issued.html", title=f"{key.name} is ready", key=key, secret=secret
            )
        fields = ("name", "scopes", "expires_at")
        return form_page(self, request, form, [(None, {"fields": fields})], title="Add API key", submit="Issue key")
