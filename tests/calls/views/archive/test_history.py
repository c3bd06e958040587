"""The history: what its filters leave is what can be downloaded."""

import pytest
from django.contrib.auth.models import User

from calls.services import Actor
from calls.services.transcripts.annotations import tag_call
from tests.calls.scene import signed_in
from tests.calls.transcripts_scene import spoken_call


@pytest.mark.django_db
def test_rows_show_tags_and_the_export_takes_the_filters_along() -> None:
    tag_call(Actor("user", "ana", "page"), spoken_call("Hello."), "Angry")
    client = signed_in(User.objects.create_superuser("root"))
    page = client.get("/calls/", {"direction": "inbound", "q": "425"}).content.decode()
    assert '<li class="tag">Angry</li>' in page
    assert '<input type="hidden" name="direction" value="inbound">' in page
    part = client.get("/calls/", {"q": "999"}, headers={"HX-Request": "true"}).content.decode()
    assert ('id="export" hx-swap-oob="true"' in part, "/calls/export/" in part) == (True, False)
