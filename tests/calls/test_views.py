"""The pages through their doors: who may see them, what they show without a script, and what their forms do."""

import json
import re
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from calls.models import Call, CallEvent, Clip, Command, Injection, Participant, StreamSession
from calls.permissions import GRANTABLE, scope
from calls.services import Actor, add_clip
from calls.views.looks import LOOKS, look_name, phase, short
from tests.azure_stand_in import AzureStandIn, refusal
from tests.calls.scene import live_call, upload, wav

pytestmark = pytest.mark.django_db

NOBODY = "4326ce52-e173-401b-a9ed-ef08c1a41a87"
PLACED = {"caller": "+18005550100", "channel_type": "mixed", "sample_rate_hz": "16000", "start": "later"}


def person(*permissions: str, **fields: Any) -> Client:
    user = User.objects.create_user(f"user-{uuid4().hex[:8]}", password="a-long-password", **fields)
    codenames = [scope(each) for each in permissions]
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="calls", codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return person(*GRANTABLE)


def ended_call(number: str = "+14255550103", **fields: Any) -> Call:
    now = timezone.now()
    return Call.objects.create(
        **{
            "direction": "inbound",
            "state": "ended",
            "caller": number,
            "callee": "+18005550100",
            "caller_raw_id": f"4:{number}",
            "callee_raw_id": "4:+18005550100",
            "created_at": now - timedelta(seconds=410),
            "ringing_at": now - timedelta(seconds=410),
            "connected_at": now - timedelta(seconds=402),
            "ended_at": now,
            "end_code": 200,
            "end_subcode": 0,
            "end_text": "The caller hung up.",
        }
        | fields
    )


def text_of(response: Any) -> str:
    """What a reader sees: no tags, single spaces."""
    body = re.sub(r"<(script|template)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


class TestWhoMaySee:
    @pytest.mark.parametrize("url", ["/", "/calls/", "/clips/", "/design/", "/calls/place/", f"/calls/{NOBODY}/"])
    def test_a_stranger_is_led_to_the_sign_in_page_and_back(self, url: str) -> None:
        response = Client().get(url)
        assert response.status_code == 302
        assert response.headers["Location"] == f"/login/?next={url}"

    @pytest.mark.parametrize("url", ["/", "/calls/", "/clips/", "/design/", "/calls/place/"])
    def test_without_the_permission_a_page_says_so(self, url: str) -> None:
        response = person().get(url)
        assert response.status_code == 403
        assert "You may not see this" in text_of(response)

    def test_an_order_of_a_page_that_is_too_old_says_so(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_user("ana"))
        response = client.post("/calls/place/")
        assert response.status_code == 403
        assert "That page was too old" in text_of(response)

    def test_components_are_for_staff(self, operator: Client) -> None:
        assert operator.get("/design/").status_code == 403
        page = person(*GRANTABLE, is_staff=True).get("/design/")
        assert page.status_code == 200
        assert "Meter, eight states" in text_of(page)

    def test_a_page_that_is_not_there_says_so(self, operator: Client) -> None:
        response = operator.get("/nope/")
        assert response.status_code == 404
        assert "Nothing is here" in text_of(response)

    def test_name_and_password_open_the_wall(self) -> None:
        User.objects.create_user("dana", password="a-long-password")
        client = Client()
        assert "Sign in" in text_of(client.get("/login/"))
        wrong = client.post("/login/", {"username": "dana", "password": "no"})
        assert "correct username and password" in text_of(wrong)
        assert client.post("/login/", {"username": "dana", "password": "a-long-password"}).headers["Location"] == "/"
        assert client.post("/logout/").headers["Location"] == "/login/"


class TestEveryPage:
    @pytest.fixture
    def pages(self) -> list[Any]:
        call, over = live_call(), ended_call()
        client = person(*GRANTABLE, is_staff=True)
        urls = [
            "/",
            "/calls/",
            "/clips/",
            "/design/",
            "/calls/place/",
            call.get_absolute_url(),
            over.get_absolute_url(),
        ]
        return [client.get(url) for url in urls] + [Client().get("/login/"), client.get("/nope/")]

    def test_carries_no_inline_style_and_no_inline_script(self, pages: list[Any]) -> None:
        for page in pages:
            body = page.content.decode()
            assert " style=" not in body, page.request["PATH_INFO"]
            assert "<style" not in body
            assert not re.search(r"\son[a-z]+=", body)
            for tag in re.findall(r"<script\b[^>]*>", body):
                assert "src=" in tag or 'type="application/json"' in tag, tag
            policy = page.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy

    def test_has_one_first_heading_a_title_and_a_language(self, pages: list[Any]) -> None:
        for page in pages:
            body = page.content.decode()
            assert body.count("<h1") == 1, page.request["PATH_INFO"]
            assert re.search(r"<title>[^<·]+ · acsportal</title>", body)
            assert '<html lang="en">' in body

    def test_uses_only_icons_that_the_sprite_has(self, pages: list[Any], client: Client) -> None:
        sprite = b"".join(client.get("/static/icons.svg")).decode()
        drawn = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
        used = {name for page in pages for name in re.findall(r"icons\.svg#([\w-]+)", page.content.decode())}
        assert used <= drawn, used - drawn
        assert {look["icon"] for look in LOOKS.values()} <= drawn

    def test_needs_few_queries(self, operator: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(20):
            Participant.objects.create(
                call=live_call(f"+142555502{number:02}"), raw_id=f"4:{number}", kind="phone", joined_at=timezone.now()
            )
        with django_assert_max_num_queries(10):
            operator.get("/")
        with django_assert_max_num_queries(10):
            operator.get("/calls/")
        with django_assert_max_num_queries(24):
            operator.get(Call.objects.all()[0].get_absolute_url())


class TestWall:
    def test_shows_calls_in_their_groups_without_a_script(self, operator: Client) -> None:
        live_call("+14255550164", policy_name="Support line")
        Call.objects.create(
            direction="inbound",
            state="ringing",
            caller="+14255550182",
            caller_raw_id="4:+14255550182",
            callee="+18005550100",
        )
        ended_call()
        words = text_of(operator.get("/"))
        assert "1 live, 1 ringing" in words
        assert "+1 425 555 0164" in words
        assert "Answered, policy Support line." in words
        assert "for us to answer" in words
        assert "The caller hung up." in words
        assert "200/0" in words

    def test_an_empty_wall_says_how_calls_get_here(self, operator: Client, settings: Any) -> None:
        settings.ACS_ENDPOINT, settings.ACS_RESOURCE_ID = "", ""
        page = operator.get("/")
        assert 'data-empty="yes"' in page.content.decode()
        assert "ACS_RESOURCE_ID" in text_of(page)
        assert "Ring from the demo phone" not in text_of(page)

    def test_next_to_an_emulator_an_empty_wall_rings_it(self, operator: Client, settings: Any) -> None:
        settings.ACS_ENDPOINT = "http://127.0.0.1:8085"
        assert 'href="http://127.0.0.1:8085"' in operator.get("/").content.decode()

    def test_offers_no_verb_that_its_reader_may_not_use(self) -> None:
        live_call()
        body = person("calls.view_call").get("/").content.decode()
        assert "data-verb" not in body
        assert 'data-opens="place"' not in body


class TestOneCall:
    def test_a_live_call_is_whole_without_a_script(self, operator: Client) -> None:
        call = live_call(policy_name="Support line")
        CallEvent.objects.create(
            call=call, source="callback", type="ParticipantsUpdated", event_time=call.since, code=200, subcode=0
        )
        Command.objects.create(
            call=call,
            verb="start_streaming",
            state="failed",
            asked_by="dana",
            error_code="x",
            error_message="Azure said no.",
        )
        words = text_of(operator.get(call.get_absolute_url()))
        for expected in (
            "+1 425 555 0123",
            "Caller",
            "Connected",
            "200/0",
            "Start streaming",
            "Azure said no.",
            "Hang up",
        ):
            assert expected in words

    def test_what_is_impossible_is_greyed_with_its_reason(self, operator: Client) -> None:
        call = live_call(streams=False, streaming_state="off")
        body = operator.get(call.get_absolute_url()).content.decode()
        speak = re.search(r'<button[^>]*data-verb="speak"[^>]*>', body)
        assert speak
        assert 'aria-disabled="true"' in speak.group(0)
        assert "Start streaming first." in speak.group(0)
        assert 'aria-describedby="may-speak"' in speak.group(0)
        assert "Start streaming first." in text_of(operator.get(call.get_absolute_url()))

    def test_an_ended_call_is_drawn_on_one_line(self, operator: Client) -> None:
        call = ended_call()
        start = call.since
        StreamSession.objects.create(
            call=call,
            state="closed",
            owner="w",
            channel_type="unmixed",
            opened_at=start,
            closed_at=start + timedelta(seconds=201),
        )
        Injection.objects.create(
            call=call, kind="tone", tone_hz=440, state="done", played_ms=1_000, asked_by="dana",
            started_at=start + timedelta(seconds=100), ended_at=start + timedelta(seconds=101),
        )  # fmt: skip
        CallEvent.objects.create(call=call, source="callback", type="CallConnected", event_time=start)
        page = operator.get(call.get_absolute_url())
        timeline = page.context["timeline"]
        assert timeline["streams"] == [{"x": 0.0, "width": 50.0, "label": "Stream 1", "kind": "closed"}]
        assert timeline["played"][0]["x"] == pytest.approx(100 / 402 * 100, abs=0.01)
        assert [tick["at_s"] for tick in timeline["ticks"]] == [0, 60, 120, 180, 240, 300, 360]
        assert "Played tone 440 Hz, 1.0 s" in text_of(page)
        assert 'data-verb="speak"' not in page.content.decode()

    def test_a_call_that_never_connected_has_no_line_but_its_reason(self, operator: Client) -> None:
        call = ended_call(connected_at=None, end_code=487, end_text="The caller gave up before we answered.")
        page = operator.get(call.get_absolute_url())
        assert page.context["timeline"] is None
        assert "The caller gave up before we answered." in text_of(page)

    def test_marks_of_one_moment_are_pushed_apart_and_stay_on_the_line(self, operator: Client) -> None:
        call = ended_call()
        for number in range(12):
            CallEvent.objects.create(
                call=call, source="portal", type=f"Thing{number}", event_time=call.ended_at or call.since
            )
        marks = operator.get(call.get_absolute_url()).context["timeline"]["marks"]
        places = [mark["x"] for mark in marks]
        assert places[-1] <= 100
        assert all(later - earlier > 1 for earlier, later in pairwise(places))

    def test_an_event_opens_with_all_that_was_said(self, operator: Client) -> None:
        call = live_call()
        event = CallEvent.objects.create(
            call=call, source="callback", type="CallConnected", event_time=call.since, raw={"data": {"x": "<b>"}}
        )
        url = f"{call.get_absolute_url()}events/{event.pk}/"
        assert "<html" in operator.get(url).content.decode()
        part = operator.get(url, {"part": "facts"}).content.decode()
        assert "<html" not in part
        assert json.dumps({"data": {"x": "<b>"}}, indent=2).replace('"', "&quot;").replace("<b>", "&lt;b&gt;") in part
        assert operator.get(f"/calls/{uuid4()}/events/{event.pk}/").status_code == 404


@pytest.mark.django_db(transaction=True)
class TestOrders:
    def test_a_form_gives_an_order_and_leads_back_to_the_call(self, operator: Client, azure: AzureStandIn) -> None:
        call = live_call()
        response = operator.post(f"{call.get_absolute_url()}do/hang-up/", follow=True)
        assert response.redirect_chain == [(call.get_absolute_url(), 302)]
        assert "Azure was asked to hang up." in text_of(response)
        assert azure.verbs() == ["terminate"]

    def test_a_refusal_of_azures_is_told_on_the_page(self, operator: Client, azure: AzureStandIn) -> None:
        azure.replies["stopMediaStreaming"] = refusal(400, "8501", "Not established.")
        call = live_call()
        response = operator.post(f"{call.get_absolute_url()}do/stop-streaming/", follow=True)
        assert Command.objects.get().state == "failed"
        assert Command.objects.get().error_message.split(".")[0] in text_of(response)

    def test_an_impossible_order_says_why(self, operator: Client) -> None:
        call = ended_call()
        response = operator.post(f"{call.get_absolute_url()}do/hang-up/", follow=True)
        assert "The call has ended." in text_of(response)

    def test_each_verb_asks_for_its_own_permission(self) -> None:
        call = live_call()
        client = person("calls.view_call")
        for verb in ("answer", "reject", "hang-up", "start-streaming", "stop-streaming", "stop-sound", "speak", "tone"):
            assert client.post(f"{call.get_absolute_url()}do/{verb}/").status_code == 403, verb
        assert not Command.objects.exists()

    def test_an_unknown_verb_is_not_found_and_looking_gives_no_order(self, operator: Client) -> None:
        call = live_call()
        assert operator.post(f"{call.get_absolute_url()}do/explode/").status_code == 404
        assert operator.get(f"{call.get_absolute_url()}do/hang-up/").status_code == 405

    @pytest.mark.parametrize(
        ("verb", "fields", "kind"),
        [
            ("speak", {"text": "Good morning", "voice": "en-us", "gain_db": "-3"}, "text"),
            ("tone", {"tone_hz": "440", "duration_ms": "1000", "loop": "on"}, "tone"),
        ],
    )
    def test_a_sound_is_queued_by_form(self, operator: Client, verb: str, fields: dict[str, str], kind: str) -> None:
        call = live_call()
        response = operator.post(f"{call.get_absolute_url()}do/{verb}/", fields, follow=True)
        assert "The sound is queued." in text_of(response)
        injection = Injection.objects.get()
        assert injection.kind == kind
        assert injection.gain_db == float(fields.get("gain_db", 0))
        assert injection.loop is ("loop" in fields)

    def test_a_file_is_queued_by_form(self, operator: Client) -> None:
        call = live_call()
        operator.post(f"{call.get_absolute_url()}do/file/", {"audio": upload()})
        assert Injection.objects.get().kind == "file"

    def test_a_form_that_says_nothing_is_told_so(self, operator: Client) -> None:
        call = live_call()
        response = operator.post(f"{call.get_absolute_url()}do/speak/", {"text": ""}, follow=True)
        assert "Text: This field is required." in text_of(response)
        assert not Injection.objects.exists()

    def test_a_call_is_placed_by_form(self, operator: Client, azure: AzureStandIn) -> None:
        response = operator.post(
            "/calls/place/",
            PLACED | {"callee": "+1 425 555 0119", "sample_rate_hz": "24000"},
        )
        call = Call.objects.get()
        assert response.headers["Location"] == call.get_absolute_url()
        assert call.sample_rate_hz == 24000
        assert not call.bidirectional
        assert azure.verbs() == ["create"]

    def test_a_number_that_cannot_be_dialled_is_said_at_its_field(self, operator: Client) -> None:
        response = operator.post("/calls/place/", PLACED | {"callee": "12"})
        assert response.status_code == 400
        assert "Give a number with +" in text_of(response)


class TestHistory:
    def numbers(self, client: Client, **query: str) -> list[str]:
        return [row["caller"] for row in client.get("/calls/", query).context["rows"]]

    def test_filters_by_number_state_direction_and_day(self, operator: Client) -> None:
        ended_call("+14255550103")
        ended_call("+14255550104", state="failed", direction="outbound", caller="+18005550100", callee="+14255550104")
        live_call("+14255550105")
        old = ended_call("+14255550106", created_at=timezone.now() - timedelta(days=9))
        assert self.numbers(operator, q="555 0103") == ["+14255550103"]
        assert self.numbers(operator, state="failed", direction="outbound") == ["+18005550100"]
        assert self.numbers(operator, state="live") == ["+14255550105"]
        until = (old.created_at + timedelta(days=1)).date().isoformat()
        assert self.numbers(operator, until=until) == ["+14255550106"]
        assert len(self.numbers(operator, since=until)) == 3

    def test_a_filter_that_makes_no_sense_is_said_and_left_out(self, operator: Client) -> None:
        ended_call()
        response = operator.get("/calls/", {"since": "yesterday"})
        assert len(response.context["rows"]) == 1
        assert "Enter a valid date." in text_of(response)

    def test_pages_hold_50_and_lead_on_without_gap_or_repeat(self, operator: Client) -> None:
        same = timezone.now() - timedelta(days=1)
        for number in range(60):
            ended_call(f"+142555510{number:02}", created_at=same)
        first = operator.get("/calls/")
        second = operator.get("/calls/?" + first.context["older"])
        seen = [row["caller"] for page in (first, second) for row in page.context["rows"]]
        assert len(first.context["rows"]) == 50
        assert len(seen) == len(set(seen)) == 60
        assert not second.context["older"]

    def test_a_part_is_answered_with_a_part(self, operator: Client) -> None:
        ended_call()
        part = operator.get("/calls/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert "+1 425 555 0103" in part

    def test_a_torn_cursor_shows_the_first_page(self, operator: Client) -> None:
        ended_call()
        assert len(self.numbers(operator, before="2026-99-99_x")) == 1


class TestClips:
    def test_a_clip_is_added_heard_and_deleted(self, operator: Client) -> None:
        response = operator.post("/clips/", {"name": "hello", "audio": upload()}, follow=True)
        assert "hello is stored" in text_of(response)
        clip = Clip.objects.get()
        heard = operator.get(f"/clips/{clip.pk}/audio/")
        assert heard.headers["Content-Type"] == "audio/wav"
        assert b"".join(heard) == wav()
        assert "hello is deleted" in text_of(operator.post(f"/clips/{clip.pk}/delete/", follow=True))
        assert operator.get(f"/clips/{clip.pk}/audio/").status_code == 404

    def test_what_is_no_audio_is_refused_at_its_field(self, operator: Client) -> None:
        bad = SimpleUploadedFile("x.wav", b"this is no sound", "audio/wav")
        response = operator.post("/clips/", {"name": "bad", "audio": bad})
        assert response.status_code == 400
        assert "Send WAV, MP3, FLAC or OGG" in text_of(response)

    def test_each_act_asks_for_its_own_permission(self) -> None:
        clip = add_clip(Actor("user", "dana"), "hello", upload())
        reader = person("calls.view_clip")
        assert reader.get("/clips/").status_code == 200
        assert "Add a clip" not in text_of(reader.get("/clips/"))
        reader.post("/clips/", {"name": "more", "audio": upload()})
        assert reader.post(f"/clips/{clip.pk}/delete/").status_code == 403
        assert Clip.objects.count() == 1
        assert person("calls.view_call").get(f"/clips/{clip.pk}/audio/").status_code == 403


class TestLooks:
    @pytest.mark.parametrize(
        ("fields", "look", "stands_in"),
        [
            ({"state": "ringing"}, "rings_us", "rings_us"),
            ({"state": "connecting"}, "connecting", "connecting"),
            ({"state": "connecting", "direction": "outbound"}, "rings_them", "rings_them"),
            ({"streaming_state": "streaming"}, "live", "talking"),
            ({"streaming_state": "streaming", "channel_type": "mixed"}, "mixed", "talking"),
            ({"streaming_state": "off"}, "unheard", "talking"),
            ({"streaming_state": "failed"}, "refused", "talking"),
            ({"state": "ended"}, "ended", "over"),
            ({"state": "failed"}, "failed", "over"),
        ],
    )
    def test_a_state_has_one_word_one_icon_and_one_colour(
        self, operator: Client, fields: dict[str, str], look: str, stands_in: str
    ) -> None:
        call = live_call(streams=False, **fields)
        row = operator.get(call.get_absolute_url()).context["row"]
        assert look_name(row) == look
        assert phase(row) == stands_in
        assert LOOKS[look]["word"]

    def test_a_meter_has_room_for_a_first_name_or_the_end_of_a_number(self) -> None:
        assert short("Priya Raman") == "Priya"
        assert short("+1 425 555 0123") == "…0123"
        assert short("ACS user …dcfe24") == "…fe24"
