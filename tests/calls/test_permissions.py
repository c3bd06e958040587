import pytest
from django.contrib.auth.models import Permission, User

from calls.permissions import OPERATOR, VERBS, VIEW, scope


@pytest.mark.django_db
def test_every_permission_of_a_verb_exists_after_migrating() -> None:
    known = {
        f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.select_related("content_type")
    }
    assert {VIEW, *VERBS.values()} <= known


@pytest.mark.django_db
def test_an_operator_with_these_permissions_may_do_every_verb() -> None:
    user = User.objects.create_user("ana")
    for permission in OPERATOR:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="calls", codename=scope(permission)))
    user = User.objects.get(pk=user.pk)
    assert user.has_perms(OPERATOR)
    assert user.has_perms({VIEW, *VERBS.values()})
    assert not user.has_perm("calls.delete_call")


def test_a_scope_is_the_permission_without_its_app() -> None:
    assert scope(VIEW) == "view_call"
    assert len({scope(each) for each in OPERATOR}) == len(OPERATOR)
