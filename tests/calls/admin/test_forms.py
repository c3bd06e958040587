import pytest
from django.contrib.auth.models import AnonymousUser, User

from calls.admin.forms import InjectForm, KeyForm
from calls.permissions import GRANTABLE
from calls.services import PlayFile, PlayTone, SayText
from tests.calls.scene import upload, wav

pytestmark = pytest.mark.django_db


def test_only_the_chosen_kinds_fields_count() -> None:
    form = InjectForm({"kind": "tone", "tone_hz": "440", "text": "x" * 5_000})
    assert form.is_valid(), form.errors
    assert form.sound() == PlayTone(440, 1_000)


def test_text_is_said_in_the_chosen_voice_and_speed() -> None:
    voice = InjectForm().fields["voice"].choices[0][0]  # type: ignore[attr-defined]
    form = InjectForm({"kind": "text", "text": "Hello", "voice": voice, "speed_wpm": "120"})
    assert form.is_valid(), form.errors
    assert form.sound() == SayText("Hello", voice, 120)


def test_a_file_is_read_from_its_beginning_each_time_it_is_ordered() -> None:
    form = InjectForm({"kind": "file"}, {"audio": upload()})
    assert form.is_valid(), form.errors
    for _ in range(2):
        sound = form.sound()
        assert isinstance(sound, PlayFile)
        assert sound.upload.read() == wav()


def test_an_unknown_kind_is_refused() -> None:
    form = InjectForm({"kind": "song", "text": "Hello"})
    assert not form.is_valid()
    assert "kind" in form.errors


def test_a_key_can_give_what_its_maker_may_do_and_no_more() -> None:
    def offered(user: User | AnonymousUser) -> int:
        return len(KeyForm(user).fields["scopes"].choices)  # type: ignore[attr-defined]

    assert offered(User.objects.create_superuser("root")) == len(GRANTABLE)
    assert offered(User.objects.create_user("nobody")) == 0
    assert offered(AnonymousUser()) == 0
