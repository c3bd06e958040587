from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import AzureRecording
from calls.selectors.azure_recordings import azure_recording_json
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db


def test_a_recording_of_azures_begins_at_its_place_in_the_call() -> None:
    call = live_call()
    assert call.connected_at is not None
    row = AzureRecording.objects.create(
        call=call, azure_id="abc", asked_by="ana", started_at=call.connected_at + timedelta(seconds=12.5)
    )
    told = azure_recording_json(row, call)
    assert (told["offset_s"], told["state"], told["ended_at"], told["files"]) == (12.5, "starting", None, [])
    row.ended_at = timezone.now()
    assert azure_recording_json(row, call)["ended_at"] is not None
