import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from calls.models import AuditEntry
from calls.roles import make_groups
from tests.calls.scene import root, signed_in

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/auth/user/"


@pytest.fixture(autouse=True)
def groups(db: None) -> None:
    make_groups(Group, Permission)


@pytest.fixture
def administrator() -> Client:
    person = User.objects.create_user("adele", password="a-long-password", is_staff=True)
    person.groups.add(Group.objects.get(name="administrator"))
    return signed_in(person)


def form(person: User, **fields: object) -> dict[str, object]:
    joined = person.date_joined
    kept = {
        "username": person.username,
        "is_active": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
    }
    return {**kept, **fields}


def test_an_administrator_gives_a_person_a_role_and_the_audit_says_so(administrator: Client) -> None:
    person = User.objects.create_user("ben")
    role = Group.objects.get(name="operator")
    saved = administrator.post(f"{PEOPLE}{person.pk}/change/", form(person, groups=[role.pk]))
    assert saved.status_code == 302
    assert list(person.groups.all()) == [role]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target, entry.via) == ("change_person", "adele", "ben", "admin")
    assert entry.facts == {"roles": "operator", "active": True, "staff": False, "superuser": False}


def test_an_administrator_makes_nobody_a_superuser_not_even_herself(administrator: Client) -> None:
    adele = User.objects.get(username="adele")
    permission = Permission.objects.get(codename="add_group")
    for person in (adele, User.objects.create_user("ben")):
        administrator.post(
            f"{PEOPLE}{person.pk}/change/",
            form(person, is_staff="on", is_superuser="on", user_permissions=[permission.pk]),
        )
        person.refresh_from_db()
        assert not person.is_superuser
        assert not person.user_permissions.exists()


def test_an_administrator_gives_no_role_that_can_do_more_than_she(administrator: Client) -> None:
    might = Group.objects.create(name="might")
    might.permissions.add(Permission.objects.get(codename="delete_session"))
    person = User.objects.create_user("ben")
    page = administrator.post(f"{PEOPLE}{person.pk}/change/", form(person, groups=[might.pk]))
    assert page.status_code == 200
    assert not person.groups.exists()
    person.groups.add(might)
    assert administrator.post(f"{PEOPLE}{person.pk}/change/", form(person)).status_code == 403


def test_a_superuser_is_changed_by_superusers_only(administrator: Client) -> None:
    boss = User.objects.create_superuser("boss", password="a-long-password")
    page = f"{PEOPLE}{boss.pk}/"
    assert administrator.post(f"{page}change/", form(boss, is_active="")).status_code == 403
    assert administrator.post(f"{page}password/", {"password1": "x" * 12, "password2": "x" * 12}).status_code == 403
    assert administrator.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    administrator.post(PEOPLE, {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"})
    boss.refresh_from_db()
    assert boss.is_active
    assert boss.check_password("a-long-password")


def test_people_are_added_given_passwords_and_deleted_with_an_entry_each() -> None:
    client = root()
    new = {"username": "cleo", "usable_password": "true", "password1": "gr3en-river", "password2": "gr3en-river"}
    assert client.post(f"{PEOPLE}add/", new).status_code == 302
    cleo = User.objects.get(username="cleo")
    changed = {"usable_password": "true", "password1": "bl4ck-river", "password2": "bl4ck-river"}
    assert client.post(f"{PEOPLE}{cleo.pk}/password/", changed).status_code == 302
    assert client.post(f"{PEOPLE}{cleo.pk}/delete/", {"post": "yes"}).status_code == 302
    said = list(AuditEntry.objects.order_by("number").values_list("action", "target"))
    assert said == [("add_person", "cleo"), ("change_password", "cleo"), ("delete_person", "cleo")]
    assert "river" not in str(list(AuditEntry.objects.values()))


def test_what_a_role_may_do_is_changed_with_an_entry() -> None:
    role = Group.objects.get(name="viewer")
    permission = Permission.objects.get(codename="view_call")
    saved = root().post(f"/admin/auth/group/{role.pk}/change/", {"name": "viewer", "permissions": [permission.pk]})
    assert saved.status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.facts) == ("change_role", "viewer", {"permissions": "view_call"})
