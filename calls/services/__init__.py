"""The verbs that leave one row: everything an operator, an integrator or Azure can ask for."""

from calls.services.actor import PORTAL, Actor
from calls.services.inbound import store_grid_event, take
from calls.services.keys import issue_key, revoke_key
from calls.services.orders import answer, hang_up, place, redirect, reject, start_streaming, stop_streaming
from calls.services.policies import add_policy, change_policy, delete_policy, verdicts
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
    "change_policy",
    "close_stream",
    "delete_clip",
    "delete_policy",
    "describe_stream",
    "hang_up",
    "inject",
    "issue_key",
    "key_pressed",
    "open_stream",
    "place",
    "redirect",
    "reject",
    "revoke_key",
    "start_streaming",
    "stop_sound",
    "stop_streaming",
    "store_grid_event",
    "sweep",
    "take",
    "verdicts",
]
