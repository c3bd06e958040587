"""People and their roles. Nobody gives away more than they may do themselves, and each change is in the audit."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import CheckboxSelectMultiple, Form
from django.http import HttpRequest, HttpResponse

from calls.admin.typed import UserAdmin
from calls.services import Actor, audit

# What only a superuser may change: it would let whoever may change people become anything.
BEYOND = ("is_superuser", "user_permissions")


def _own_groups(request: HttpRequest) -> list[int]:
    """Groups that can do nothing which the reader may not do."""
    found = []
    for group in Group.objects.prefetch_related("permissions__content_type"):
        needed = (f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all())
        if all(request.user.has_perm(each) for each in needed):
            found.append(group.pk)
    return found


class PersonAdmin(UserAdmin[User]):
    list_display = ("username", "email", "roles", "is_active", "is_staff", "last_login")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="Roles")
    def roles(self, person: User) -> str:
        named = ", ".join(group.name for group in person.groups.all())
        return "superuser" if person.is_superuser else named

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, *BEYOND)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = Group.objects.filter(pk__in=_own_groups(request))
            kwargs["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may_touch(request, obj)

    @staticmethod
    def _may_touch(request: HttpRequest, obj: User | None) -> bool:
        """Superusers, and people in groups that can do more than the reader, are changed by their like only."""
        if obj is None or request.user.is_superuser:
            return True
        if obj.is_superuser:
            return False
        return set(obj.groups.values_list("pk", flat=True)) <= set(_own_groups(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        person: User = form.instance
        audit.record(
            Actor.of(request),
            "change_person" if change else "add_person",
            target=person.username,
            target_id=person.pk,
            roles=", ".join(sorted(person.groups.values_list("name", flat=True))),
            active=person.is_active,
            staff=person.is_staff,
            superuser=person.is_superuser,
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            person = self.get_object(request, id)
            if person is not None and request.method == "POST" and response.status_code == 302:
                audit.record(Actor.of(request), "change_password", target=person.username, target_id=person.pk)
        return response

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _delete(request, obj, "delete_person", obj.username)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            _delete(request, person, "delete_person", person.username)


class RoleAdmin(GroupAdmin):
    """Which permissions a role has; only superusers change them."""

    def save_related(self, request: HttpRequest, form: Form, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        role: Group = form.instance  # type: ignore[attr-defined]
        names = sorted(role.permissions.values_list("codename", flat=True))
        audit.record(
            Actor.of(request),
            "change_role" if change else "add_role",
            target=role.name,
            target_id=role.pk,
            permissions=", ".join(names),
        )

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        _delete(request, obj, "delete_role", obj.name)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Group]) -> None:
        for role in queryset:
            _delete(request, role, "delete_role", role.name)


def _delete(request: HttpRequest, row: Model, action: str, name: str) -> None:
    with transaction.atomic():
        number = row.pk
        row.delete()
        audit.record(Actor.of(request), action, target=name, target_id=number)


admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.register(User, PersonAdmin)
admin.site.register(Group, RoleAdmin)
