"""History is shown and never edited: what admin pages of such rows have in common."""

from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from calls.admin.typed import BaseInlineFormSet, ModelAdmin, TabularInline
from calls.models import Call
from calls.permissions import VIEW
from calls.visibility import sight_of

Row = TypeVar("Row", bound=Model)

INLINE_LIMIT = 100


class ReadOnly(ModelAdmin[Row]):
    """Whoever may see calls may see what belongs to them. `shown` names the columns of a row's own page."""

    shown: ClassVar[tuple[str, ...]] = ()
    list_per_page = 50
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Row | None = None) -> tuple[str, ...]:
        return self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Row | None = None) -> tuple[str, ...]:
        return self.shown

    def title_of(self, row: Row) -> str:
        """What the row's own page is called."""
        return str(row)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        named = {"title": self.title_of(row), "subtitle": None} if row is not None else {}
        return super().change_view(request, object_id, form_url, {**named, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm(VIEW)


class NewestRows(BaseInlineFormSet[Any, Any, Any]):
    """At most INLINE_LIMIT rows: a long call has thousands of events, and their list has pages."""

    def get_queryset(self) -> QuerySet[Any]:
        if not hasattr(self, "_cut"):
            self._cut = super().get_queryset()[:INLINE_LIMIT]
        return self._cut


class RowsOfCall(TabularInline[Row, Call]):
    """Rows of a call on the call's page. `fields` are methods or columns, all of them read-only."""

    extra = 0
    can_delete = False
    formset = NewestRows
    classes = ("rows-of-call",)

    def get_readonly_fields(self, request: HttpRequest, obj: Call | None = None) -> tuple[str, ...]:
        return tuple(self.fields or ())  # type: ignore[arg-type]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        seen: QuerySet[Row] = sight_of(request.user).of(super().get_queryset(request))
        return seen.select_related("call")

    def has_add_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Call | None = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm(VIEW)
