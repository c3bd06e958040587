"""Media streaming on and off in mid-call."""

from acsportal.emulator import errors
from acsportal.emulator.operations.asking import Answer, Ask


def start(ask: Ask) -> Answer:
    call = ask.established()
    if call.media is None:
        raise errors.no_stream_url()
    if call.media.state not in ("off", "failed"):
        raise errors.media_mode(f"media streaming is {call.media.state}")
    call.media.start(ask.order())
    return 202, None


def stop(ask: Ask) -> Answer:
    call = ask.established()
    if call.media is None or not call.media.is_active:
        raise errors.wrong_state("media streaming is not active")
    call.media.stop(ask.order())
    return 202, None


OPERATIONS = {
    "POST callConnections/{id}:startMediaStreaming": start,
    "POST callConnections/{id}:stopMediaStreaming": stop,
}
