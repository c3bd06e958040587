"""Fills a new database for a measurement: calls that talk, and somebody who may watch them. Prints one line of JSON."""

import json
import os
import sys
from typing import Any

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acsportal.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from calls.models import Call, CallEvent  # noqa: E402
from calls.tokens import call_token  # noqa: E402


def talking(number: int) -> dict[str, Any]:
    """One connected call; its media socket is still to be opened."""
    now = timezone.now()
    call = Call.objects.create(
        direction=Call.Direction.INBOUND,
        state=Call.State.CONNECTED,
        caller="+14255550123",
        callee="+18005550100",
        caller_raw_id="4:+14255550123",
        callee_raw_id="4:+18005550100",
        call_connection_id=f"connection-{number}",
        ringing_at=now,
        connected_at=now,
    )
    CallEvent.objects.create(
        call=call,
        source=CallEvent.Source.CALLBACK,
        azure_id=f"connected-{number}",
        type="CallConnected",
        event_time=now,
        raw={"type": "Microsoft.Communication.CallConnected", "data": {"callConnectionId": call.call_connection_id}},
    )
    return {
        "id": str(call.pk),
        "path": f"/ws/acs/media/{call_token(call.pk, 'media')}/",
        "connection_id": call.call_connection_id,
    }


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    calls = [talking(number) for number in range(int(sys.argv[1]))]
    viewer = get_user_model().objects.create_superuser("viewer", password=None)
    browser = Client()
    browser.force_login(viewer)
    session = browser.cookies["sessionid"].value
    print(json.dumps({"calls": calls, "cookie": f"sessionid={session}"}))


if __name__ == "__main__":
    main()
