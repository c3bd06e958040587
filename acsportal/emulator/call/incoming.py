"""What Event Grid tells the portal of a call that rings, and of one that stopped to ring (sheet 4.3, 4.4)."""

import base64
import gzip
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from acsportal.emulator.call.people import identifier

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


async def tell_of_ringing(call: "Call") -> None:
    subject = f"/caller/{call.caller}/recipient/{call.callee}"
    incoming = {
        "to": identifier(call.callee),
        "from": identifier(call.caller),
        "serverCallId": call.server_call_id,
        "callerDisplayName": "" if call.caller.startswith("4:") else call.scenario.speakers[0].name,
        "incomingCallContext": call.incoming_call_context,
        "correlationId": call.correlation_id,
    }
    more = call.network.faults.take("duplicate_incoming", call.id)
    await call.grid.deliver("Microsoft.Communication.IncomingCall", subject, incoming, more)


async def tell_of_end(call: "Call") -> None:
    """Only of callers who are ACS users; phone callers vanish without a word."""
    if not call.caller.startswith("8:acs:"):
        return
    content = {
        "startedBy": {"communicationIdentifier": identifier(call.caller), "role": "{NotSpecified}"},
        "serverCallId": call.server_call_id,
        "group": {"id": call.id},
        "isTwoParty": True,
        "correlationId": call.correlation_id,
        "isRoomsCall": False,
        "durationOfCall": (datetime.now(UTC) - call.ringing_at).total_seconds(),
    }
    await call.grid.deliver("Microsoft.Communication.CallEnded", f"call/{call.server_call_id}", content)


def context(correlation_id: str) -> str:
    """Shaped like Azure's: an unsigned JWT of some kilobytes, opaque to whoever gets it."""
    noise = base64.b64encode(gzip.compress(secrets.token_bytes(2400))).decode()
    payload = json.dumps({"cc": noise, "correlationId": correlation_id})
    return ".".join((_base64url('{"alg":"none","typ":"JWT"}'), _base64url(payload), ""))


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
