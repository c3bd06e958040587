import pytest
from django.contrib.auth.models import Permission

from calls.permissions import GRANTABLE, VERBS, VIEW, scope


@pytest.mark.django_db
def test_every_permission_of_a_verb_exists_after_migrating() -> None:
    known = {
        f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.select_related("content_type")
    }
    assert {VIEW, *VERBS.values()} <= known


def test_a_scope_is_the_permission_without_its_app() -> None:
    assert scope(VIEW) == "view_call"
    assert len({scope(each) for each in GRANTABLE}) == len(GRANTABLE)
