import pytest
from django.contrib.auth.models import Group, Permission, User

from calls.permissions import VERBS, VIEW
from calls.roles import ROLES, make_groups


def member(role: str) -> User:
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def groups(db: None) -> None:
    """What the migration made; a test that emptied the database before this one took it away."""
    make_groups(Group, Permission)
    for role, permissions in ROLES.items():
        held = Group.objects.get(name=role).permissions.select_related("content_type")
        assert {f"{each.content_type.app_label}.{each.codename}" for each in held} == permissions


def test_each_role_may_do_what_the_role_before_it_may_and_more() -> None:
    viewer, operator, supervisor, administrator = ROLES.values()
    assert viewer < operator < supervisor < administrator
    assert list(ROLES) == ["viewer", "operator", "supervisor", "administrator"]


@pytest.mark.usefixtures("groups")
def test_the_roles_are_groups_whose_members_may_do_their_verbs() -> None:
    for role, permissions in ROLES.items():
        user = member(role)
        assert {each for each in {VIEW, *VERBS.values()} if user.has_perm(each)} == permissions & {
            VIEW,
            *VERBS.values(),
        }


@pytest.mark.usefixtures("groups")
def test_viewers_see_and_steer_nothing_while_supervisors_listen_and_keep_the_policies() -> None:
    viewer, operator, supervisor = member("viewer"), member("operator"), member("supervisor")
    assert viewer.has_perm(VIEW)
    assert not viewer.has_perm(VERBS["speak"])
    assert operator.has_perm(VERBS["speak"])
    assert not operator.has_perm(VERBS["listen"])
    assert supervisor.has_perms([VERBS["listen"], VERBS["barge"], VERBS["export"], VERBS["change_policy"]])
    assert not supervisor.has_perm(VERBS["issue_key"])
    assert member("administrator").has_perms([VERBS["issue_key"], "auth.change_user"])


@pytest.mark.usefixtures("groups")
def test_what_a_site_gave_a_role_stays_when_groups_are_made_again() -> None:
    group = Group.objects.get(name="viewer")
    group.permissions.add(Permission.objects.get(codename="place_call"))
    make_groups(Group, Permission)
    assert group.permissions.filter(codename="place_call").exists()
