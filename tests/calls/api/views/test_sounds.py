from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from calls.models import Clip, Injection
from tests.calls.api.door import Door
from tests.calls.scene import live_call, upload, wav

pytestmark = pytest.mark.django_db


def stored(door: Door, name: str = "Hold, please") -> dict[str, Any]:
    answer = door.send("clips/", name=name, audio=upload())
    assert answer.status == 201, answer.json
    clip: dict[str, Any] = answer.json
    return clip


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"text": "Hello.", "voice": "en-gb", "speed_wpm": 180, "gain_db": -3, "loop": True},
            {"kind": "text", "text": "Hello.", "voice": "en-gb", "speed_wpm": 180, "gain_db": -3.0, "loop": True},
        ),
        ({"tone_hz": 440, "duration_ms": 1_000}, {"kind": "tone", "tone_hz": 440, "label": "Tone 440 Hz"}),
    ],
)
def test_a_sound_is_queued(integrator: Door, body: dict[str, Any], expected: dict[str, Any]) -> None:
    call = live_call()
    answer = integrator.post(f"calls/{call.pk}/injections/", body)
    assert answer.status == 202
    assert answer.json | expected == answer.json
    assert answer.json["state"] == "queued"
    assert answer.json["duration_ms"] is None
    assert integrator.get(answer.headers["Location"]).json == answer.json
    assert integrator.get(f"calls/{call.pk}/injections/").json["results"] == [answer.json]


def test_a_stored_clip_is_queued(integrator: Door) -> None:
    clip = stored(integrator)
    answer = integrator.post(f"calls/{live_call().pk}/injections/", {"clip": clip["id"]})
    assert (answer.status, answer.json["kind"], answer.json["clip"]) == (202, "clip", clip["id"])
    assert answer.json["label"] == "Hold, please"


def test_a_file_is_queued_with_its_options(integrator: Door) -> None:
    answer = integrator.send(f"calls/{live_call().pk}/injections/", audio=upload(), gain_db="-6", loop="true")
    assert answer.status == 202
    assert (answer.json["kind"], answer.json["gain_db"], answer.json["loop"]) == ("file", -6.0, True)
    assert default_storage.open(str(Injection.objects.get().file.name)).read() == wav()


def test_a_text_may_come_as_multipart_too(integrator: Door) -> None:
    answer = integrator.send(f"calls/{live_call().pk}/injections/", text="Hello.")
    assert (answer.status, answer.json["kind"], answer.json["loop"]) == (202, "text", False)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 400, "bad_input"), (b"no sound at all", 415, "unsupported_audio"), (wav(0.0), 415, "unsupported_audio")],
)
def test_a_file_that_is_no_sound_is_refused(integrator: Door, content: bytes, status: int, code: str) -> None:
    for path in (f"calls/{live_call().pk}/injections/", "clips/"):
        parts: dict[str, Any] = {"name": "x"} if path == "clips/" else {}
        answer = integrator.send(path, audio=SimpleUploadedFile("a.wav", content), **parts)
        assert (answer.status, answer.error["code"]) == (status, code)
        assert "audio" in answer.error["fields"]
        if path.startswith("calls"):
            live_call_is_untouched()


def live_call_is_untouched() -> None:
    assert not Injection.objects.exists()


def test_a_sound_for_a_one_way_stream_is_409_with_the_reason(integrator: Door) -> None:
    call = live_call(bidirectional=False)
    answer = integrator.post(f"calls/{call.pk}/injections/", {"tone_hz": 440})
    assert (answer.status, answer.error["code"]) == (409, "wrong_state")
    assert "one way" in answer.error["message"]


def test_a_clip_that_does_not_exist_is_404(integrator: Door) -> None:
    body = {"clip": "5b541da7-f577-4568-a8fc-01830ce676bc"}
    assert integrator.post(f"calls/{live_call().pk}/injections/", body).status == 404


def test_all_sound_is_stopped_by_one_order(integrator: Door) -> None:
    answer = integrator.post(f"calls/{live_call().pk}/injections/stop/")
    assert (answer.status, answer.json["verb"], answer.json["state"]) == (202, "stop_sound", "queued")


def test_a_clip_is_stored_heard_listed_and_deleted(integrator: Door) -> None:
    clip = stored(integrator)
    assert clip | {"duration_ms": 500, "sample_rate_hz": 16_000, "channels": 1, "size": len(wav())} == clip
    assert integrator.get("clips/").json["results"] == [clip]
    assert integrator.get(f"clips/{clip['id']}/").json == clip
    heard = integrator.get(f"clips/{clip['id']}/audio/")
    assert (heard.status, heard.headers["Content-Type"], heard.body) == (200, "audio/wav", wav())
    assert heard.headers["X-Content-Type-Options"] == "nosniff"
    gone = integrator.delete(f"clips/{clip['id']}/")
    assert (gone.status, gone.body) == (204, b"")
    assert integrator.get(f"clips/{clip['id']}/").status == 404


def test_a_player_that_takes_only_audio_gets_it(integrator: Door) -> None:
    clip = stored(integrator)
    path = f"/api/v1/clips/{clip['id']}/audio/"
    response = integrator.client.get(path, headers={"Accept": "audio/webm,audio/*;q=0.9"})
    assert response.status_code == 200
    response.close()


def test_a_name_that_is_taken_is_refused(integrator: Door) -> None:
    stored(integrator)
    answer = integrator.send("clips/", name="Hold, please", audio=upload())
    assert answer.status == 400
    assert answer.error["fields"] == {"name": "This name is taken."}
    assert Clip.objects.count() == 1


def test_a_clip_needs_name_and_file(integrator: Door) -> None:
    assert set(integrator.send("clips/").error["fields"]) == {"name", "audio"}
    assert set(integrator.send("clips/", name="x" * 81, audio=upload()).error["fields"]) == {"name"}
