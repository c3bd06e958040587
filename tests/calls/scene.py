"""A small world for the admin's tests: calls in several states with all that belongs to them, and people."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
import soundfile
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from calls.models import Call, CallEvent, CallPolicy, Command, Participant, StreamSession

LIST = "/admin/calls/call/"
CONTEXT = "very-secret-context"


def wav(seconds: float = 0.5, rate_hz: int = 16_000) -> bytes:
    out = BytesIO()
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate_hz)) / rate_hz)
    soundfile.write(out, tone, rate_hz, format="WAV", subtype="PCM_16")
    return out.getvalue()


def upload(content: bytes | None = None, name: str = "hello.wav") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, wav() if content is None else content, "audio/wav")


def staff(*permissions: str, name: str = "dana") -> User:
    user = User.objects.create_user(name, password="a-long-password", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="calls", codename__in=[*permissions, "view_call"])
    )
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def root() -> Client:
    return signed_in(User.objects.create_superuser("root", password="a-long-password"))


def live_call(number: str = "+14255550123", *, streams: bool = True, **fields: Any) -> Call:
    """A connected inbound call; with an open media socket unless `streams` is false."""
    now = timezone.now()
    call = Call.objects.create(
        **{
            "direction": "inbound",
            "state": "connected",
            "caller": number,
            "callee": "+18005550100",
            "caller_raw_id": f"4:{number}",
            "callee_raw_id": "4:+18005550100",
            "call_connection_id": f"connection-{number}",
            "created_at": now - timedelta(seconds=260),
            "ringing_at": now - timedelta(seconds=260),
            "connected_at": now - timedelta(seconds=247),
            "streaming_state": "streaming" if streams else "off",
            "streaming_start": "later",
            **fields,
        }
    )
    CallEvent.objects.create(
        call=call,
        source="callback",
        azure_id=f"connected-{call.pk}",
        type="CallConnected",
        event_time=call.connected_at or now,
        raw={"type": "Microsoft.Communication.CallConnected", "data": {"callConnectionId": call.call_connection_id}},
    )
    Participant.objects.create(
        call=call, raw_id=f"4:{number}", kind="phone", number=number, joined_at=call.connected_at or now
    )
    if streams:
        StreamSession.objects.create(
            call=call,
            owner="web-1",
            channel_type="unmixed",
            sample_rate_hz=16000,
            frames_received=12_350,
            frames_sent=41,
        )
    return call


def ended_call(number: str = "+14255550126") -> Call:
    at = datetime(2026, 11, 20, 10, 17, tzinfo=UTC)
    call = Call.objects.create(
        direction="inbound",
        state="ended",
        caller=number,
        callee="+18005550100",
        caller_raw_id=f"4:{number}",
        callee_raw_id="4:+18005550100",
        policy=CallPolicy.objects.first(),
        policy_name="Everyone else",
        incoming_call_context=CONTEXT,
        created_at=at,
        ringing_at=at,
        connected_at=at + timedelta(seconds=3),
        ended_at=at + timedelta(seconds=250),
        end_code=200,
        end_subcode=0,
        end_text="The caller hung up.",
    )
    Command.objects.create(call=call, verb="answer", state="done", asked_by="policy Everyone else", created_at=at)
    CallEvent.objects.create(
        call=call,
        source="event_grid",
        azure_id="grid-1",
        type="IncomingCall",
        event_time=at,
        raw={"eventType": "Microsoft.Communication.IncomingCall", "data": {"incomingCallContext": CONTEXT}},
    )
    CallEvent.objects.create(
        call=call,
        source="callback",
        azure_id="end-1",
        type="CallDisconnected",
        event_time=at + timedelta(seconds=250),
        code=200,
        subcode=0,
    )
    return call


def order(client: Client, action: str, *calls: Call, **fields: Any) -> Any:
    """Sends the changelist's form with these calls selected, and follows to the page that answers."""
    sent = {"action": action, "_selected_action": [str(call.pk) for call in calls], **fields}
    if "confirmed" not in fields:
        sent["index"] = "0"
    return client.post(LIST, sent, follow=True)


def words(response: Any) -> list[str]:
    """The messages of the page that answered, as they are read."""
    found: list[str] = []
    for message in response.context["messages"]:
        text = str(message)
        while "<" in text and ">" in text:
            text = text[: text.index("<")] + text[text.index(">") + 1 :]
        found.append(text)
    return found
