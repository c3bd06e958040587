from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User

from calls.models import Call, CallEvent, Command, StreamSession
from calls.selectors import just_ended_rows, live_rows
from calls.selectors.sights import sights_of
from calls.visibility import EVERYTHING, NOTHING, sight_of
from tests.calls.scene import ended_call, live_call, staff


@pytest.mark.django_db
def test_who_may_see_calls_sees_all_of_them_and_nobody_else_sees_any() -> None:
    live, over = live_call(), ended_call()
    viewer, stranger = staff(), User.objects.create_user("stranger")
    assert set(Call.objects.visible_to(viewer)) == {live, over}
    for nobody in (stranger, AnonymousUser()):
        assert not Call.objects.visible_to(nobody).exists()
        assert not live_rows(nobody)
        assert not just_ended_rows(nobody)
    assert [row["id"] for row in live_rows(viewer)] == [str(live.pk)]
    assert [row["id"] for row in just_ended_rows(viewer)] == [str(over.pk)]


@pytest.mark.django_db
def test_what_belongs_to_a_call_is_seen_with_it() -> None:
    live_call()
    viewer, stranger = staff(), User.objects.create_user("stranger")
    for model in (StreamSession, CallEvent, Command):
        assert model.objects.visible_to(viewer).count() == model.objects.count()
        assert not model.objects.visible_to(stranger).exists()


@pytest.mark.django_db
def test_a_person_who_is_no_longer_active_sees_nothing() -> None:
    person = staff()
    assert sight_of(person) is EVERYTHING
    person.is_active = False
    assert sight_of(person) is NOTHING
    assert not NOTHING.sees("any")
    assert EVERYTHING.sees("any")


@pytest.mark.django_db
def test_the_sight_of_many_people_is_asked_for_in_one_query(django_assert_num_queries: Any) -> None:
    viewers = [User.objects.create_user(f"viewer {number}") for number in range(20)]
    for viewer in viewers:
        viewer.groups.add(Group.objects.get(name="viewer"))
    chief = User.objects.create_superuser("chief")
    with django_assert_num_queries(1):
        assert sights_of([*viewers, chief]) == dict.fromkeys([each.pk for each in (*viewers, chief)], EVERYTHING)
    gone = User.objects.create_superuser("gone", is_active=False)
    viewers[0].groups.clear()
    stranger = User.objects.get(pk=viewers[0].pk)
    assert sights_of([stranger, gone, viewers[1]]) == {
        stranger.pk: NOTHING,
        gone.pk: NOTHING,
        viewers[1].pk: EVERYTHING,
    }
