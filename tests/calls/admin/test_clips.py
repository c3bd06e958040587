from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from calls.models import Clip
from calls.services import PORTAL, add_clip
from tests.calls.scene import root, signed_in, staff, upload, wav, words

LIST = "/admin/calls/clip/"


@pytest.fixture
def client(db: None) -> Client:
    return root()


def test_a_clip_is_added_with_its_facts_read_from_the_file(client: Client) -> None:
    response = client.post(f"{LIST}add/", {"name": "Welcome", "audio": upload()}, follow=True)
    clip = Clip.objects.get()
    assert words(response) == ["Welcome is stored and can be played into any call."]
    assert (clip.duration_ms, clip.sample_rate_hz, clip.channels, clip.added_by) == (500, 16000, 1, "root")
    assert "0.5 s" in response.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("Welcome", b"no sound", "Send WAV, MP3, FLAC or OGG"),
        ("Taken", wav(), "This name is taken."),
        ("", wav(), "This field is required."),
    ],
)
def test_what_is_wrong_with_a_clip_stands_on_the_form(client: Client, name: str, content: bytes, sentence: str) -> None:
    add_clip(PORTAL, "Taken", upload())
    page = client.post(f"{LIST}add/", {"name": name, "audio": upload(content)}).content.decode()
    assert sentence in page
    assert Clip.objects.count() == 1


def test_a_clip_is_heard_by_those_who_may_see_clips_only(client: Client) -> None:
    clip = add_clip(PORTAL, "Welcome", upload())
    page = client.get(f"{LIST}{clip.pk}/change/").content.decode()
    source = page.partition("<audio")[2].partition('src="')[2].partition('"')[0]
    heard: Any = client.get(source)
    assert heard.getvalue() == wav()
    assert heard["Content-Type"] == "audio/wav"
    assert signed_in(staff("inject_call")).get(source).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_deleting_one_clip_or_several_removes_their_files_too() -> None:
    client = root()
    clips = [add_clip(PORTAL, name, upload()) for name in ("One", "Two", "Three")]
    client.post(f"{LIST}{clips[0].pk}/delete/", {"post": "yes"})
    assert list(Clip.objects.values_list("name", flat=True)) == ["Three", "Two"]
    chosen = [str(clip.pk) for clip in clips[1:]]
    client.post(LIST, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert not Clip.objects.exists()
    assert not any(default_storage.exists(str(clip.audio.name)) for clip in clips)


def test_a_clip_is_never_changed_and_permissions_count(client: Client) -> None:
    clip = add_clip(PORTAL, "Welcome", upload())
    assert client.post(f"{LIST}{clip.pk}/change/", {"name": "Other"}).status_code == 403
    viewer = signed_in(staff("view_clip"))
    assert viewer.get(LIST).status_code == 200
    assert viewer.get(f"{LIST}add/").status_code == 403
    assert viewer.post(f"{LIST}add/", {"name": "Mine", "audio": upload()}).status_code == 403
    assert viewer.post(f"{LIST}{clip.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Clip.objects.count() == 1
