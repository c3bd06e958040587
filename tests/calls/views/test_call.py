import pytest
from django.test import Client

from calls.models import Call, CallPolicy
from tests.azure_stand_in import AzureStandIn, Doors, refusal
from tests.calls.scene import signed_in, staff


@pytest.fixture
def desk(transactional_db: None) -> Client:
    return signed_in(staff("answer_call"))


def test_a_ringing_call_is_redirected_from_its_page(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, desk: Client
) -> None:
    call = doors.ring()
    link = f'href="/calls/{call.pk}/redirect/"'
    assert link in desk.get(f"/calls/{call.pk}/").content.decode()
    assert "Who gets the call instead" in desk.get(f"/calls/{call.pk}/redirect/").content.decode()
    page = desk.post(f"/calls/{call.pk}/redirect/", {"target": "+1 (425) 555-0188"}, follow=True).content.decode()
    assert "The call is redirected." in page
    assert "Redirected to +1 425 555 0188, by dana." in page
    assert azure.verbs() == ["redirect"]


@pytest.mark.parametrize("target", ["", "the boss", "1234"])
def test_a_target_that_cannot_be_dialled_is_said_at_its_field(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, desk: Client, target: str
) -> None:
    call = doors.ring()
    page = desk.post(f"/calls/{call.pk}/redirect/", {"target": target})
    assert page.status_code == 400
    assert b'class="error"' in page.content
    assert not azure.asked


def test_what_azure_refuses_stands_on_the_form(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, desk: Client
) -> None:
    azure.replies["redirect"] = refusal(500, "9999")
    call = doors.ring()
    page = desk.post(f"/calls/{call.pk}/redirect/", {"target": "+14255550188"}).content.decode()
    assert 'role="alert"' in page


def test_a_call_that_rings_no_more_says_so(desk: Client) -> None:
    call = Call.objects.create(direction="inbound", state="ended")
    page = desk.get(f"/calls/{call.pk}/redirect/").content.decode()
    assert "The call has ended." in page
    assert '<form class="form"' not in page


def test_who_may_only_look_redirects_nothing(doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring()
    assert (
        signed_in(staff(name="eve")).post(f"/calls/{call.pk}/redirect/", {"target": "+14255550188"}).status_code == 403
    )


def test_a_supervisor_sees_from_where_an_order_came_and_an_operator_does_not(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, desk: Client
) -> None:
    call = doors.ring()
    desk.post(f"/calls/{call.pk}/do/reject/")
    seen = signed_in(staff("view_auditentry", name="sue")).get(f"/calls/{call.pk}/").content.decode()
    assert "by pages from 127.0.0.1" in seen
    assert f'href="/audit/?call={call.pk}"' in seen
    hidden = desk.get(f"/calls/{call.pk}/").content.decode()
    assert "127.0.0.1" not in hidden
    assert "/audit/" not in hidden
