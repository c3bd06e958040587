"""The admin as a whole: every page answers, history cannot be written, and nothing secret is shown."""

import pytest
from django.contrib import admin
from django.test import Client

from calls.models import ApiKey, CallEvent, CallPolicy, Command, Injection, Participant, StreamSession
from calls.services import PORTAL, SayText, add_clip, inject
from tests.calls.scene import CONTEXT, LIST, ended_call, live_call, root, signed_in, staff, upload

pytestmark = pytest.mark.django_db
HISTORY = ("call", "callevent", "streamsession", "participant", "injection", "command")


@pytest.fixture
def client() -> Client:
    """A superuser's browser, with a world in which every list has a row."""
    call = live_call()
    inject(PORTAL, call, SayText("Hello"))
    Command.objects.create(call=call, verb="stop_sound", state="failed", asked_by="dana", error_code="no_worker")
    ended_call()
    add_clip(PORTAL, "Welcome", upload())
    ApiKey.issue("Reports", ["view_call"])
    CallPolicy.objects.get_or_create(name="Everyone else", defaults={"position": 1000})
    return root()


@pytest.mark.parametrize("model", [*HISTORY, "clip", "callpolicy", "apikey"])
def test_every_list_and_every_row_of_it_is_a_page(client: Client, model: str) -> None:
    registered = next(each for each in admin.site._registry if each._meta.model_name == model)
    listed = client.get(f"/admin/calls/{model}/")
    assert listed.status_code == 200
    rows = list(registered._default_manager.all())
    assert rows
    for row in rows:
        assert client.get(f"/admin/calls/{model}/{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("model", [*HISTORY, "clip", "callpolicy", "apikey"])
def test_every_list_can_be_searched(client: Client, model: str) -> None:
    assert client.get(f"/admin/calls/{model}/?q=nothing+like+it").status_code == 200


@pytest.mark.parametrize("model", HISTORY)
def test_history_can_be_neither_added_nor_changed_nor_deleted_even_by_root(client: Client, model: str) -> None:
    registered = next(each for each in admin.site._registry if each._meta.model_name == model)
    row = registered._default_manager.first()
    assert row is not None
    assert client.get(f"/admin/calls/{model}/add/").status_code == 403
    assert client.post(f"/admin/calls/{model}/{row.pk}/change/", {"state": "ended"}).status_code == 403
    assert client.post(f"/admin/calls/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert registered._default_manager.filter(pk=row.pk).exists()


def test_a_person_who_may_see_calls_sees_all_that_belongs_to_them_and_nothing_else(client: Client) -> None:
    viewer = signed_in(staff())
    for model in HISTORY:
        assert viewer.get(f"/admin/calls/{model}/").status_code == 200
    for model in ("clip", "callpolicy", "apikey"):
        assert viewer.get(f"/admin/calls/{model}/").status_code == 403


def test_without_the_permission_to_see_calls_nothing_of_them_is_shown(client: Client) -> None:
    stranger = staff(name="stranger")
    stranger.user_permissions.clear()
    for model in HISTORY:
        assert signed_in(stranger).get(f"/admin/calls/{model}/").status_code == 403


def test_the_answering_context_of_a_call_is_shown_nowhere(client: Client) -> None:
    event = CallEvent.objects.get(type="IncomingCall")
    assert event.call is not None
    for address in (f"/admin/calls/callevent/{event.pk}/change/", f"{LIST}{event.call_id}/change/", LIST):
        assert CONTEXT not in client.get(address).content.decode()
    shown = client.get(f"/admin/calls/callevent/{event.pk}/change/").content.decode()
    assert "(withheld)" in shown
    assert "Microsoft.Communication.IncomingCall" in shown


def test_a_policy_violating_script_or_style_is_in_no_page_of_ours(client: Client) -> None:
    call_page = client.get(LIST)
    policy = call_page["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for address in (LIST, f"{LIST}place/", "/admin/calls/clip/add/", "/admin/calls/apikey/add/", "/admin/"):
        shown = client.get(address).content.decode()
        assert "<style" not in shown
        assert " style=" not in shown
        assert "<script>" not in shown
        assert " onclick=" not in shown


def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(
    client: Client, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for number in range(100, 130):
        call = live_call(f"+14255551{number}")
        inject(PORTAL, call, SayText("Hello"))
        Command.objects.create(call=call, verb="stop_sound", state="done", asked_by="dana")
    for model in HISTORY:
        with django_assert_max_num_queries(14):  # type: ignore[operator]
            assert client.get(f"/admin/calls/{model}/").status_code == 200


def test_codes_stand_in_plain_words_beside_their_numbers(client: Client) -> None:
    shown = client.get("/admin/calls/callevent/").content.decode()
    assert "The caller hung up." in shown
    assert ">200/0<" in shown


def test_each_history_row_leads_to_its_call(client: Client) -> None:
    call = live_call("+14255550199")
    for model in (StreamSession, Participant, CallEvent):
        row = model._default_manager.filter(call=call).first()
        assert row is not None
        page = client.get(f"/admin/calls/{model._meta.model_name}/{row.pk}/change/").content.decode()
        assert f'<a href="{LIST}{call.pk}/change/">+1 425 555 0199</a>' in page


def test_the_settings_of_a_stored_sound_are_told_in_words(client: Client) -> None:
    sound = Injection.objects.get()
    page = client.get(f"/admin/calls/injection/{sound.pk}/change/").content.decode()
    assert "gain 0 dB, once" in page
