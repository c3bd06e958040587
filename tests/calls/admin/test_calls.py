import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry

from calls.models import Call, CallEvent, Command
from calls.services import PORTAL, SayText, inject
from tests.calls.loopback import Loopback, Reply, Seen, loopback
from tests.calls.scene import LIST, ended_call, live_call, root, signed_in, staff, words

pytestmark = pytest.mark.django_db
PLACE = f"{LIST}place/"
FORM = {
    "callee": "+1 425 555 0177",
    "caller": "+18005550100",
    "channel_type": "mixed",
    "sample_rate_hz": "24000",
    "start": "later",
    "bidirectional": "on",
}


@pytest.fixture
def azure(settings: Any) -> Iterator[Loopback]:
    with loopback() as server:
        server.answer = _created
        settings.ACS_ENDPOINT = server.url
        settings.ACS_ACCESS_KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
        yield server


def _created(seen: Seen) -> Reply:
    if seen.method == "POST" and urlsplit(seen.path).path == "/calling/callConnections":
        return Reply.of({"callConnectionId": "placed-1", "serverCallId": "s", "correlationId": "c"}, 201)
    return Reply.of({"error": {"code": "8522", "message": "no"}}, 404)


def test_a_list_row_says_state_number_length_and_how_it_ended() -> None:
    ended_call()
    page = root().get(LIST).content.decode()
    assert "+1 425 555 0126" in page
    assert ">4:07<" in page
    assert 'data-tone="off"' in page
    assert "The caller hung up" in page
    assert ">200/0<" in page
    assert "its policy" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=%2B1+425+555+0126", True), ("q=0999", False), ("state__exact=ended", True), ("state__exact=failed", False)],
)
def test_calls_are_found_by_number_as_people_write_it_and_by_state(query: str, found: bool) -> None:
    ended_call()
    assert ("+1 425 555 0126" in root().get(f"{LIST}?{query}").content.decode()) is found


def test_a_calls_page_shows_all_that_belongs_to_it() -> None:
    call = live_call()
    inject(PORTAL, call, SayText("Good morning"))
    Command.objects.create(
        call=call,
        verb="stop_streaming",
        state="failed",
        asked_by="dana",
        error_code="azure_timeout",
        error_message="Late.",
    )
    CallEvent.objects.create(
        call=call,
        source="callback",
        azure_id="f",
        type="MediaStreamingFailed",
        event_time=call.since,
        code=500,
        subcode=8603,
    )
    page = root().get(f"{LIST}{call.pk}/change/").content.decode()
    for words_shown in (
        "Call with +1 425 555 0123",
        "Good morning",
        "12,350 in · 41 out",
        "azure_timeout",
        "Azure could not open our media socket",
        "500/8603",
        "2 events",
        "1 person",
    ):
        assert words_shown in page


def test_a_call_with_thousands_of_events_shows_the_newest_hundred_and_links_to_the_rest() -> None:
    call = live_call()
    CallEvent.objects.bulk_create(
        CallEvent(call=call, source="portal", azure_id=f"n{n}", type="DtmfPressed", event_time=call.since)
        for n in range(150)
    )
    page = root().get(f"{LIST}{call.pk}/change/").content.decode()
    assert page.count('class="field-type_cell"') == 100
    assert "151 events" in page


def test_buttons_on_a_calls_page_are_off_with_the_reason_where_an_order_is_impossible() -> None:
    call = live_call(streams=False)
    page = root().get(f"{LIST}{call.pk}/change/").content.decode()
    assert 'name="action" value="start_streaming">' in page
    assert 'name="action" value="inject_audio" disabled>' in page
    assert "Inject audio: Nothing streams, so the caller cannot hear us. Start streaming first." in page


def test_a_calls_page_has_only_the_buttons_its_reader_may_press_and_none_once_it_is_over() -> None:
    call, over = live_call(), ended_call()
    page = signed_in(staff("stream_call")).get(f"{LIST}{call.pk}/change/").content.decode()
    assert 'value="stop_streaming"' in page
    assert 'value="hang_up"' not in page
    assert 'class="orders"' not in root().get(f"{LIST}{over.pk}/change/").content.decode()


def test_a_call_is_placed_with_the_chosen_streaming_and_leads_to_its_page(azure: Loopback) -> None:
    dana = staff("place_call")
    client = signed_in(dana)
    assert PLACE in client.get(LIST).content.decode()
    response = client.post(PLACE, FORM, follow=True)
    call = Call.objects.get()
    assert response.redirect_chain == [(f"{LIST}{call.pk}/change/", 302)]
    assert words(response) == ["+1 425 555 0177: asked Azure to place the call."]
    assert (call.callee, call.channel_type, call.sample_rate_hz) == ("+14255550177", "mixed", 24000)
    assert (call.bidirectional, call.dtmf, call.streaming_start) == (True, False, "later")
    assert call.call_connection_id == "placed-1"
    assert call.commands.get().asked_by == "dana"
    assert azure.seen[-1].json["targets"][0]["phoneNumber"]["value"] == "+14255550177"
    assert LogEntry.objects.get(user=dana).object_id == str(call.pk)


def test_a_number_that_cannot_be_dialled_is_said_at_its_field(azure: Loopback) -> None:
    page = signed_in(staff("place_call")).post(PLACE, {**FORM, "callee": "12"}).content.decode()
    assert "Give a number with + and country code" in page
    assert not Call.objects.exists()


def test_what_azure_refuses_stands_on_the_form(azure: Loopback) -> None:
    azure.answer = lambda _seen: Reply.of({"error": {"code": "8523", "message": "Invalid"}}, 400)
    response = signed_in(staff("place_call")).post(PLACE, FORM)
    assert response.status_code == 200
    assert 'class="errornote"' in response.content.decode()
    assert Call.objects.get().state == "failed"


def test_without_the_permission_nobody_places_a_call_or_sees_the_button(azure: Loopback) -> None:
    client = signed_in(staff("stream_call"))
    assert PLACE not in client.get(LIST).content.decode()
    assert client.get(PLACE).status_code == 403
    assert client.post(PLACE, FORM).status_code == 403
    assert not Call.objects.exists()
    assert not azure.seen
