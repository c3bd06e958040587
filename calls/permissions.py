"""One permission per verb, the same for pages, sockets, admin and REST."""

VIEW = "calls.view_call"

VERBS = {
    "place": "calls.place_call",
    "answer": "calls.answer_call",
    "reject": "calls.answer_call",
    "hang_up": "calls.hang_up_call",
    "start_streaming": "calls.stream_call",
    "stop_streaming": "calls.stream_call",
    "speak": "calls.inject_call",
    "stop_sound": "calls.inject_call",
    "add_clip": "calls.add_clip",
    "delete_clip": "calls.delete_clip",
    "view_clip": "calls.view_clip",
}

# What an operator's desk needs: given to the demo's user, and as scopes to its API key.
OPERATOR = sorted({VIEW, *VERBS.values()})


def scope(permission: str) -> str:
    """The name of a permission as an API key's scope: `calls.view_call` → `view_call`."""
    return permission.partition(".")[2]
