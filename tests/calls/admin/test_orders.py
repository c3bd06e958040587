import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry

from calls.admin.orders import MOST_CALLS, PATIENCE_S, STOP, TOO_SLOW, given
from calls.models import Call, Command, Injection
from calls.services import PORTAL, add_clip
from tests.calls.loopback import Loopback, Reply, Seen, loopback
from tests.calls.scene import LIST, ended_call, live_call, order, root, signed_in, staff, upload, wav, words

pytestmark = pytest.mark.django_db
SPEAK = {"confirmed": "yes", "kind": "text", "text": "Please hold.", "gain_db": "-3"}


@pytest.fixture
def azure(settings: Any) -> Iterator[Loopback]:
    """Azure's streaming and hang-up; knows every connection but the one that ends in 0666."""
    with loopback() as server:
        server.answer = _answer
        settings.ACS_ENDPOINT = server.url
        settings.ACS_ACCESS_KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
        yield server


def _answer(seen: Seen) -> Reply:
    if "0666" in seen.path:
        return Reply.of({"error": {"code": "8501", "message": "Not established"}}, 400)
    return Reply(204 if ":terminate" in seen.path else 202)


def verbs(azure: Loopback) -> list[str]:
    return [urlsplit(seen.path).path.rpartition(":")[2] for seen in azure.seen]


def test_streaming_is_stopped_on_each_selected_call_and_each_says_how_it_went(azure: Loopback) -> None:
    good, silent, over, strange = (
        live_call(),
        live_call("+14255550190", streams=False),
        ended_call(),
        live_call("+14255550666"),
    )
    response = order(root(), "stop_streaming", good, silent, over, strange)
    said = words(response)
    assert "+1 425 555 0123: asked Azure to stop streaming." in said
    assert "+1 425 555 0190: streaming not stopped. Nothing streams." in said
    assert "+1 425 555 0126: streaming not stopped. The call has ended." in said
    assert any(each.startswith("+1 425 555 0666: streaming not stopped. ") and "8501" not in each[:40] for each in said)
    assert len(said) == 4
    assert [message.level_tag for message in response.context["messages"]].count("success") == 1
    assert verbs(azure).count("stopMediaStreaming") == 2
    assert good.commands.get().asked_by == "root"


def test_streaming_is_started_where_it_is_off(azure: Loopback) -> None:
    call = live_call(streams=False)
    assert words(order(root(), "start_streaming", call)) == ["+1 425 555 0123: asked Azure to start streaming."]
    call.refresh_from_db()
    assert call.streaming_state == "starting"
    assert call.commands.get().state == Command.State.ACCEPTED


def test_sound_is_stopped_by_an_order_to_the_socket(azure: Loopback) -> None:
    call = live_call()
    assert words(order(root(), "stop_sound", call)) == ["+1 425 555 0123: asked to stop the sound."]
    assert call.commands.get().verb == "stop_sound"
    assert not azure.seen


def test_hanging_up_is_asked_once_more_before_it_happens(azure: Loopback) -> None:
    call, over = live_call(), ended_call()
    client = root()
    asked = order(client, "hang_up", call, over).content.decode()
    assert "This ends the call for everybody on it." in asked
    assert "2 calls selected, possible for 1" in asked
    assert "The call has ended." in asked
    assert not azure.seen
    said = words(order(client, "hang_up", call, over, confirmed="yes"))
    assert sorted(said) == [
        "+1 425 555 0123: asked Azure to hang up.",
        "+1 425 555 0126: not hung up. The call has ended.",
    ]
    assert verbs(azure) == ["terminate"]


def test_text_is_spoken_into_the_calls_that_can_hear_it() -> None:
    call, deaf, over = live_call(), live_call("+14255550190", streams=False), ended_call()
    client = root()
    asked = order(client, "inject_audio", call, deaf, over).content.decode()
    assert "3 calls selected, possible for 1" in asked
    assert "Nothing streams, so the caller cannot hear us. Start streaming first." in asked
    said = words(order(client, "inject_audio", call, deaf, over, **SPEAK, speed_wpm="140", loop="on"))
    assert "+1 425 555 0123: the sound is queued." in said
    assert "+1 425 555 0126: nothing is played. The call has ended." in said
    sound = Injection.objects.get()
    assert (sound.call_id, sound.text, sound.speed_wpm, sound.gain_db, sound.loop) == (
        call.pk,
        "Please hold.",
        140,
        -3.0,
        True,
    )
    assert sound.asked_by == "root"


def test_one_file_is_played_whole_into_every_call() -> None:
    first, second = live_call(), live_call("+14255550190")
    order(root(), "inject_audio", first, second, confirmed="yes", kind="file", audio=upload())
    stored = [each.file.read() for each in Injection.objects.all()]
    assert stored == [wav(), wav()]


def test_a_clip_and_a_tone_can_be_played_too() -> None:
    call = live_call()
    clip = add_clip(PORTAL, "Welcome", upload())
    client = root()
    order(client, "inject_audio", call, confirmed="yes", kind="clip", clip=str(clip.pk))
    order(client, "inject_audio", call, confirmed="yes", kind="tone", tone_hz="880", duration_ms="250")
    assert set(Injection.objects.values_list("kind", "clip__name", "tone_hz", "tone_ms")) == {
        ("clip", "Welcome", None, None),
        ("tone", None, 880, 250),
    }


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "text", "text": " "}, "Type what should be said."),
        ({"kind": "clip"}, "Choose a clip."),
        ({"kind": "tone", "tone_hz": "9000"}, "Ensure this value is less than or equal to 7900."),
        ({"kind": "file"}, "Choose a file."),
        ({"kind": "text", "text": "Hi", "gain_db": "50"}, "Ensure this value is less than or equal to 20."),
    ],
)
def test_a_sound_that_cannot_be_is_said_on_the_form_and_nothing_is_played(
    fields: dict[str, str], sentence: str
) -> None:
    page = order(root(), "inject_audio", live_call(), confirmed="yes", **fields).content.decode()
    assert sentence in page
    assert "1 call selected" in page
    assert not Injection.objects.exists()


def test_a_file_that_is_no_audio_is_refused_at_its_field() -> None:
    page = order(
        root(), "inject_audio", live_call(), confirmed="yes", kind="file", audio=upload(b"no sound")
    ).content.decode()
    assert "The file is no audio that we can read." in page
    assert not Injection.objects.exists()


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("stream_call", {"start_streaming", "stop_streaming"}),
        ("inject_call", {"inject_audio", "stop_sound"}),
        ("hang_up_call", {"hang_up"}),
        ("answer_call", set()),
    ],
)
def test_an_order_is_offered_to_and_taken_from_those_who_may_give_it(
    azure: Loopback, permission: str, allowed: set[str]
) -> None:
    call = live_call()
    client = signed_in(staff(permission))
    page = client.get(LIST).content.decode()
    for action in ("start_streaming", "stop_streaming", "inject_audio", "stop_sound", "hang_up"):
        assert (f'<option value="{action}">' in page) is (action in allowed)
        if action not in allowed:
            order(client, action, call)
            order(client, action, call, **SPEAK)
    assert not Command.objects.exists()
    assert not Injection.objects.exists()
    assert not azure.seen


def test_an_order_given_on_a_calls_page_leads_back_to_it(azure: Loopback) -> None:
    call = live_call()
    page = root().post(
        LIST, {"action": "stop_streaming", "_selected_action": str(call.pk), "on_page": "yes"}, follow=True
    )
    assert page.redirect_chain == [(f"{LIST}{call.pk}/change/", 302)]
    assert words(page) == ["+1 425 555 0123: asked Azure to stop streaming."]


def test_orders_stand_in_the_admin_history_without_any_number(azure: Loopback) -> None:
    call = live_call()
    order(root(), "stop_streaming", call)
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Stop streaming: asked"
    assert "425" not in entry.object_repr


def test_more_calls_than_fit_in_one_order_are_refused_whole(azure: Loopback) -> None:
    calls = [live_call(f"+1425555{number:04}") for number in range(MOST_CALLS + 1)]
    client = root()
    for action in ("stop_streaming", "hang_up", "inject_audio"):
        said = words(order(client, action, *calls, select_across="1"))
        assert said == [f"{MOST_CALLS + 1} calls are selected. Select at most {MOST_CALLS} at once."]
    assert not azure.seen


def test_calls_are_not_asked_for_once_azure_has_taken_too_long(azure: Loopback) -> None:
    calls = [live_call(f"+142555501{number}") for number in (10, 11, 12)]
    times = iter([0.0, 0.0, PATIENCE_S, PATIENCE_S + 0.1])
    answers = [refusal for _, refusal in given(STOP, PORTAL, calls, clock=lambda: next(times))]
    assert answers == ["", "", TOO_SLOW]
    assert len(azure.seen) == 2
    assert Call.objects.filter(commands__isnull=False).count() == 2


@pytest.mark.parametrize("action", ["hang_up", "inject_audio"])
def test_who_thinks_better_of_it_comes_back_to_the_page_they_came_from(action: str) -> None:
    call = live_call()
    client = root()
    from_list = order(client, action, call).content.decode()
    from_page = client.post(
        LIST, {"action": action, "_selected_action": str(call.pk), "on_page": "yes"}
    ).content.decode()
    assert f'<a href="{LIST}" class="closelink">' in from_list
    assert f'<a href="{LIST}{call.pk}/change/" class="closelink">' in from_page


def test_what_is_kept_of_the_selected_calls_is_steered_and_each_says_how_it_went() -> None:
    admin = root()
    streams, silent = live_call(), live_call("+14255550190", streams=False)
    assert set(words(order(admin, "start_recording", streams, silent))) == {
        "+1 425 555 0123: asked to record.",
        "+1 425 555 0190: not recorded. Nothing streams, so there is no sound. Start streaming first.",
    }
    assert streams.takes.get().asked_by == "root"
    said = words(order(admin, "begin_sensitive_pause", streams, silent))
    assert set(said) == {
        "+1 425 555 0123: nothing of its sound is kept or passed on.",
        "+1 425 555 0190: nothing of its sound is kept or passed on.",
    }
    assert all(call.is_sensitive for call in Call.objects.all())
    assert words(order(admin, "end_sensitive_pause", silent)) == ["+1 425 555 0190: what keeps its sound goes on."]


def test_azures_recording_is_asked_for_and_who_may_not_record_is_offered_nothing(azure: Loopback) -> None:
    azure.answer = lambda _: Reply.of({"recordingId": "abc", "recordingState": "active"})
    call = live_call()
    assert words(order(root(), "start_azures_recording", call)) == ["+1 425 555 0123: asked Azure to record."]
    assert call.azure_recordings.get().azure_id == "abc"
    page = signed_in(staff("hang_up_call")).get(LIST).content.decode()
    assert 'value="start_recording"' not in page
    assert 'value="start_azures_recording"' not in page
