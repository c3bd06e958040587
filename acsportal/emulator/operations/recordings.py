"""Recordings: started by the call they are of, then known by their own id."""

from acsportal.emulator import errors
from acsportal.emulator.call import Call
from acsportal.emulator.call.recording import RecordingOptions
from acsportal.emulator.operations.asking import (
    HTTP,
    Answer,
    Ask,
    choice_of,
    flag_of,
    list_of,
    object_of,
    target_of,
    text_of,
)


def start(ask: Ask) -> Answer:
    """Of a call that is under way. What is left out is WAV here: Azure would make a video of it."""
    if choice_of(ask.body, "recordingContentType", ("audio", "audioVideo"), "audio") == "audioVideo":
        raise errors.not_supported("recordings with video")
    form = choice_of(ask.body, "recordingFormatType", ("wav", "mp3", "mp4"), "wav")
    if form == "mp4":
        raise errors.not_supported("recordings as mp4")
    unmixed = choice_of(ask.body, "recordingChannelType", ("mixed", "unmixed"), "mixed") == "unmixed"
    if unmixed and form != "wav":
        raise errors.invalid("recordingFormatType must be wav for unmixed recordings")
    has_address = ask.body.get("recordingStateCallbackUri") is not None
    options = RecordingOptions(
        state_url=ask.url("recordingStateCallbackUri", HTTP) if has_address else None,
        unmixed=unmixed,
        format=form,
        paused=flag_of(ask.body, "pauseOnStart"),
        ordering=tuple(target_of(each) for each in list_of(ask.body, "audioChannelParticipantOrdering")),
    )
    return 200, ask.exchange.archive.start(_call(ask), options, ask.origin).body()


def properties(ask: Ask) -> Answer:
    return 200, ask.exchange.archive.running(ask.id).body()


def stop(ask: Ask) -> Answer:
    ask.exchange.archive.running(ask.id).stop("SessionStopped")
    return 204, None


def pause(ask: Ask) -> Answer:
    ask.exchange.archive.running(ask.id).pause()
    return 202, None


def resume(ask: Ask) -> Answer:
    ask.exchange.archive.running(ask.id).resume()
    return 202, None


OPERATIONS = {
    "POST recordings": start,
    "GET recordings/{id}": properties,
    "DELETE recordings/{id}": stop,
    "POST recordings/{id}:pause": pause,
    "POST recordings/{id}:resume": resume,
}


def _call(ask: Ask) -> Call:
    locator = object_of(ask.body, "callLocator")
    connection_id, server_call_id = ask.text("callConnectionId"), text_of(locator, "serverCallId")
    if bool(connection_id) == bool(server_call_id):
        raise errors.invalid("one of callConnectionId and callLocator.serverCallId is needed")
    call = ask.exchange.by_connection(connection_id) if connection_id else None
    if server_call_id:
        call = ask.exchange.by_server_call(server_call_id)
    if call is None or call.phase == "disconnected":
        raise errors.call_not_found(connection_id or server_call_id or "")
    if call.phase == "disconnecting":
        raise errors.terminated(call.call_connection_id)
    if call.phase != "connected":
        raise errors.not_established(call.call_connection_id)
    return call
