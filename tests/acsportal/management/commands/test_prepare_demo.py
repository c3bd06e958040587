"""The demo's scratch data."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from calls.models import ApiKey, CallPolicy, Clip
from calls.roles import ROLES


@pytest.mark.django_db
def test_two_people_four_policies_a_clip_and_a_key_are_made_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    monkeypatch.setenv("DEMO_API_KEY", "acs_demo-secret")
    call_command("prepare_demo")
    call_command("prepare_demo")
    users = get_user_model().objects
    demo = users.get(username="demo")
    assert all(demo.has_perm(permission) for permission in ROLES["supervisor"])
    assert demo.is_staff
    assert users.get(username="admin").is_superuser
    made = CallPolicy.objects.exclude(name="Everyone else")  # a migration's, which other tests may have taken away
    assert list(made.values_list("name", "action")) == [
        ("Phone page", "answer"),
        ("Support line", "answer"),
        ("Sales line", "answer"),
        ("Front desk", "ring"),
    ]
    assert Clip.objects.count() == 1
    key = ApiKey.find("acs_demo-secret", timezone.now())
    assert key is not None
    assert "inject_call" in key.scopes


@pytest.mark.django_db
def test_it_refuses_an_address_that_others_can_reach(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://portal.example.com"
    with pytest.raises(CommandError, match="loopback only"):
        call_command("prepare_demo")
    assert not get_user_model().objects.exists()
