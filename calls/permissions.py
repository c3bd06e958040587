"""One permission per verb, the same for pages, sockets, admin and REST."""

VIEW = "calls.view_call"

VERBS = {
    "place": "calls.place_call",
    "answer": "calls.answer_call",
    "reject": "calls.answer_call",
    "redirect": "calls.answer_call",
    "hang_up": "calls.hang_up_call",
    "start_streaming": "calls.stream_call",
    "stop_streaming": "calls.stream_call",
    "speak": "calls.inject_call",
    "stop_sound": "calls.inject_call",
    "listen": "calls.listen_call",
    "barge": "calls.barge_call",
    "export": "calls.export_call",
    "start_recording": "calls.record_call",
    "stop_recording": "calls.record_call",
    "pause_recording": "calls.record_call",
    "resume_recording": "calls.record_call",
    "begin_sensitive": "calls.record_call",
    "end_sensitive": "calls.record_call",
    "record_at_azure": "calls.record_call",
    "hear_recording": "calls.view_recording",
    "delete_recording": "calls.delete_recording",
    "start_transcript": "calls.transcribe_call",
    "stop_transcript": "calls.transcribe_call",
    "change_language": "calls.transcribe_call",
    "tag_call": "calls.annotate_call",
    "write_note": "calls.annotate_call",
    "delete_note": "calls.annotate_call",
    "correct_segment": "calls.annotate_call",
    "view_clip": "calls.view_clip",
    "add_clip": "calls.add_clip",
    "delete_clip": "calls.delete_clip",
    "view_policy": "calls.view_callpolicy",
    "add_policy": "calls.add_callpolicy",
    "change_policy": "calls.change_callpolicy",
    "delete_policy": "calls.delete_callpolicy",
    "view_audit": "calls.view_auditentry",
    "view_key": "calls.view_apikey",
    "issue_key": "calls.add_apikey",
    "revoke_key": "calls.change_apikey",
    "view_operations": "calls.view_operations",
    "run_job": "calls.run_job",
}

# What an API key may be given.
GRANTABLE = sorted({VIEW, *VERBS.values()})


def scope(permission: str) -> str:
    """The name of a permission as an API key's scope: `calls.view_call` → `view_call`."""
    return permission.partition(".")[2]
