"""The transcript on the page of a call, as the portal draws it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from calls.models import Call, Command, Injection
from calls.recognisers import POCKETSPHINX
from calls.services.transcripts.words import gap_heard, segment_heard, transcript_failed
from calls.views.said import nothing_said, sample_turns, source_words
from tests.calls.scene import live_call, root

pytestmark = pytest.mark.django_db
CALLER = "4:+14255550123"


def hear(call: Call, key: str, text: str, start_s: float, **more: Any) -> None:
    at = call.since + timedelta(seconds=start_s)
    fields = {"final": True, "source": "parrot", "raw_id": CALLER, "ended_at": at + timedelta(seconds=1), **more}
    segment_heard(call.pk, key=key, text=text, started_at=at, **fields)


def page(call: Call) -> str:
    return root().get(call.get_absolute_url()).content.decode()


def test_turns_gaps_and_our_own_words_stand_in_their_order() -> None:
    call = live_call(recogniser=POCKETSPHINX)
    hear(call, "a", "I moved <house>.", 10)
    hear(call, "c", "so you", 30, final=False, raw_id="8:acs:1_priya")
    at = call.since + timedelta(seconds=15)
    gap_heard(
        call.pk, raw_id=CALLER, started_at=at, ended_at=at, text="4 s could not be recognised", source="", key="gap"
    )
    Injection.objects.create(
        call=call,
        kind="text",
        text="One moment please.",
        state="done",
        asked_by="ana",
        started_at=call.since + timedelta(seconds=20),
    )
    shown = page(call)
    words = ["I moved &lt;house&gt;.", "4 s could not be recognised", "One moment please.", "so you"]
    places = [shown.index(each) for each in words]
    assert places == sorted(places)
    assert "text, asked by ana" in shown
    assert shown.count('data-side="ours"') >= 2
    assert "On this machine (demo recogniser), en-US" in shown


def test_an_empty_transcript_says_what_to_do_and_offers_it() -> None:
    shown = page(live_call())
    assert "Nothing is written down. Start the transcript to read what is said." in shown
    assert "/do/start-transcript/" in shown


def test_a_failure_stands_above_the_turns() -> None:
    call = live_call(recogniser=POCKETSPHINX)
    transcript_failed(call.pk, "There is no key. Set AZURE_SPEECH_KEY.")
    assert "There is no key. Set AZURE_SPEECH_KEY." in page(call)


def test_a_call_of_the_past_is_read_line_by_line_with_links_into_its_sound() -> None:
    call = live_call()
    hear(call, "a", "I moved.", 63.2)
    Call.objects.filter(pk=call.pk).update(state="ended", ended_at=call.since + timedelta(seconds=90))
    shown = page(call)
    assert 'href="?t=63.2"' in shown
    assert "/do/start-transcript/" not in shown


def test_the_form_of_a_page_without_a_script_names_recogniser_and_language() -> None:
    call, desk = live_call(), root()
    answer = desk.post(
        f"{call.get_absolute_url()}do/start-transcript/", {"recogniser": POCKETSPHINX, "language": "en-GB"}
    )
    assert answer.status_code == 302
    found = Call.objects.get()
    assert (found.recogniser, found.language, found.transcript_state) == (POCKETSPHINX, "en-GB", "starting")
    desk.post(f"{call.get_absolute_url()}do/change-language/", {"language": "en-US"})
    assert Call.objects.get().language == "en-US"
    desk.post(f"{call.get_absolute_url()}do/change-language/", {})
    assert Command.objects.filter(verb="change_language").count() == 1


def test_who_may_not_steer_it_may_read_it(viewer: Client) -> None:
    call = live_call()
    hear(call, "a", "I moved.", 10)
    shown = viewer.get(call.get_absolute_url()).content.decode()
    assert "I moved." in shown
    assert "Start transcript" not in shown


@pytest.fixture
def viewer(django_user_model: Any) -> Client:
    person = django_user_model.objects.create_user("vera")
    person.user_permissions.add(Permission.objects.get(codename="view_call"))
    client = Client()
    client.force_login(person)
    return client


def test_its_head_says_whose_words_they_are_and_its_middle_why_there_are_none() -> None:
    told: Any = {"title": "Azure AI Speech", "language": "en-US", "state": "off"}
    assert source_words(told) == "Azure AI Speech, en-US, off"
    told["state"] = "on"
    assert source_words(told) == "Azure AI Speech, en-US"
    assert nothing_said(told) == "Nobody has said anything yet."
    told["state"] = "starting"
    assert nothing_said(told) == "The recogniser gets ready."
    told["title"], told["state"] = "", "failed"
    assert source_words(told) == ""
    assert nothing_said(told) == "Nothing is written down. Start the transcript to read what is said."


def test_the_page_of_all_widgets_has_every_look() -> None:
    looks = {(each["kind"], each["side"], each["us"], each["final"]) for each in sample_turns()}
    assert len(looks) == 5
