"""Downloads from pages: one call, what was found, what the history shows."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.models import AuditEntry
from tests.calls.scene import signed_in
from tests.calls.subtitles import read_vtt
from tests.calls.transcripts_scene import spoken_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return signed_in(User.objects.create_superuser("root"))


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_one_call_is_downloaded_in_any_format(client: Client) -> None:
    call = spoken_call("Hello.")
    assert len(read_vtt(body(client.get(f"/calls/{call.pk}/export/", {"format": "vtt"})))) == 1
    refused = client.get(
        f"/calls/{call.pk}/export/", {"format": "zip", "redact": "digits", "audio": "tracks"}, follow=True
    )
    assert "Digits cannot be hidden in sound." in refused.content.decode()


def test_what_was_found_and_what_the_history_shows_is_downloaded(client: Client) -> None:
    spoken_call("Hello.")
    spoken_call("Bye.", number="+493012345678", direction="outbound")
    assert body(client.get("/search/export/", {"q": "hello", "format": "csv"})).count("\r\n") == 2
    shown = {"direction": "outbound", "format": "txt", "redact": ["numbers"]}
    text = body(client.get("/calls/export/", shown))
    assert "Bye." in text
    assert "4930" not in text
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.via, entry.facts["calls"], entry.facts["redacted"]) == ("export", "page", 1, "numbers")
    refused = client.get("/search/export/", {"q": "hello", "format": "doc"}, follow=True)
    assert "The download is not complete" in refused.content.decode()
