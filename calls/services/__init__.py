"""The verbs that leave one row: everything an operator, an integrator or Azure can ask for."""

from calls.services.actor import PORTAL, Actor
from calls.services.inbound import store_grid_event, take
from calls.services.keys import issue_key, revoke_key
from calls.services.orders import answer, hang_up, place, redirect, reject, start_streaming, stop_streaming
from calls.services.policies import add_policy, change_policy, delete_policy, verdicts
from calls.services.recordings.azure import (
    pause_azure_recording,
    resume_azure_recording,
    start_azure_recording,
    stop_azure_recording,
)
from calls.services.recordings.sensitive import begin_sensitive, end_sensitive
from calls.services.recordings.steering import pause_recording, resume_recording, start_recording, stop_recording
from calls.services.sockets import close_stream, describe_stream, key_pressed, open_stream
from calls.services.sound import (
    PlayClip,
    PlayFile,
    PlayTone,
    SayText,
    add_clip,
    delete_clip,
    inject,
    stop_sound,
)
from calls.services.state import apply_event
from calls.services.transcripts.steering import change_language, start_transcript, stop_transcript
from calls.services.upkeep.sweep import sweep

__all__ = [
    "PORTAL",
    "Actor",
    "PlayClip",
    "PlayFile",
    "PlayTone",
    "SayText",
    "add_clip",
    "add_policy",
    "answer",
    "apply_event",
    "begin_sensitive",
    "change_language",
    "change_policy",
    "close_stream",
    "delete_clip",
    "delete_policy",
    "describe_stream",
    "end_sensitive",
    "hang_up",
    "inject",
    "issue_key",
    "key_pressed",
    "open_stream",
    "pause_azure_recording",
    "pause_recording",
    "place",
    "redirect",
    "reject",
    "resume_azure_recording",
    "resume_recording",
    "revoke_key",
    "start_azure_recording",
    "start_recording",
    "start_streaming",
    "start_transcript",
    "stop_azure_recording",
    "stop_recording",
    "stop_sound",
    "stop_streaming",
    "stop_transcript",
    "store_grid_event",
    "sweep",
    "take",
    "verdicts",
]
