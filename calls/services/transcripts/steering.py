"""The verbs that start and stop a call's transcript and change its language. Where Azure transcribes the call itself it
is asked; otherwise the order goes to the process that has the call's sound.
"""

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from calls import commands, live
from calls.errors import BadInput, CallStateError
from calls.models import Call, Command, StreamSession
from calls.models.call import NOT_STREAMING
from calls.recognisers import AZURE_CALL, usual
from calls.selectors import command_json
from calls.services import audit
from calls.services.actor import Actor
from calls.services.state import announce_call, finish_command, lock
from calls.services.transcripts import azure

NO_RECOGNISER: Final = "This portal offers no recogniser. Name some in SPEECH_RECOGNISERS."


def start_transcript(
    actor: Actor, call: Call, recogniser: str = "", language: str = "", phrases: Sequence[str] | None = None
) -> Command:
    """Writes down what is said from now on; what is left out is as it was last, or as the call's policy says.

    Raises BadInput, CallStateError, and GatewayError if Azure refuses.
    """
    with transaction.atomic():
        locked = _lock_for(call, "start_transcript")
        locked.recogniser = recogniser or locked.recogniser or usual()
        locked.language = language or locked.language
        if phrases is not None:
            locked.phrases = "\n".join(phrases)
        _refuse_faults(locked)
        session = _session(locked)
        if session is None and locked.recogniser != AZURE_CALL:
            raise CallStateError(NOT_STREAMING)
        locked.transcript_state, locked.transcript_error = Call.Written.STARTING, ""
        locked.save(
            update_fields=["recogniser", "language", "phrases", "transcript_state", "transcript_error"],
        )
        announce_call(locked)
        command = _command(actor, locked, Command.Verb.START_TRANSCRIPT)
        _send(
            session,
            commands.StartTranscript(locked.recogniser, locked.language, tuple(locked.phrase_list), str(command.pk)),
        )
        _tell(actor, locked, command, recogniser=locked.recogniser, language=locked.language)
    if locked.recogniser == AZURE_CALL:
        azure.ask_start(command, locked)
        command.refresh_from_db()
    return command


def stop_transcript(actor: Actor, call: Call) -> Command:
    """Nothing more is written down; what was said until now is written to its end. It stays stopped."""
    with transaction.atomic():
        locked = _lock_for(call, "stop_transcript")
        session = _session(locked)
        command = _command(actor, locked, Command.Verb.STOP_TRANSCRIPT)
        if session is None and locked.recogniser != AZURE_CALL:
            _end_at_once(locked, command)
        _send(session, commands.StopTranscript(str(command.pk)))
        _tell(actor, locked, command)
    if locked.recogniser == AZURE_CALL:
        azure.ask_stop(command, locked)
        command.refresh_from_db()
    return command


def change_language(actor: Actor, call: Call, language: str = "") -> Command:
    """What is said from now on is taken for this language, such as de-DE."""
    with transaction.atomic():
        locked = _lock_for(call, "change_language")
        locked.language = language
        _refuse_faults(locked)
        session = _session(locked)
        if session is None and locked.recogniser != AZURE_CALL:
            raise CallStateError(NOT_STREAMING)
        locked.save(update_fields=["language"])
        announce_call(locked)
        command = _command(actor, locked, Command.Verb.CHANGE_LANGUAGE)
        _send(session, commands.ChangeLanguage(locked.language, str(command.pk)))
        _tell(actor, locked, command, language=locked.language)
    if locked.recogniser == AZURE_CALL:
        azure.ask_change(command, locked)
        command.refresh_from_db()
    return command


def _lock_for(call: Call, verb: str) -> Call:
    locked = lock(call.pk)
    obstacle = locked.may(verb)
    if obstacle:
        raise CallStateError(obstacle)
    return locked


def _refuse_faults(call: Call) -> None:
    if not call.recogniser:
        raise BadInput(NO_RECOGNISER, {"recogniser": NO_RECOGNISER})
    faults = call.tidy_capture()
    if faults:
        raise BadInput(f"The transcript cannot be written so. {' '.join(faults.values())}", faults)


def _session(call: Call) -> StreamSession | None:
    """The socket whose process has the call's sound; none where Azure transcribes."""
    if call.recogniser == AZURE_CALL:
        return None
    found: StreamSession | None = call.streams.filter(state=StreamSession.State.OPEN).order_by("-number").first()
    return found


def _command(actor: Actor, call: Call, verb: str) -> Command:
    command = Command.objects.create(call=call, verb=verb, asked_by=actor.name, asked_kind=actor.kind)
    live.announce(call.pk, "command", command=command_json(command))
    return command


def _send(session: StreamSession | None, order: commands.Order) -> None:
    if session is not None:
        transaction.on_commit(lambda: commands.send(session.pk, order))


def _end_at_once(call: Call, command: Command) -> None:
    """No process has the call's sound, so nobody has to be asked."""
    finish_command(command)
    call.transcript_state, call.transcript_error = Call.Written.OFF, ""
    call.save(update_fields=["transcript_state", "transcript_error"])
    announce_call(call)


def _tell(actor: Actor, call: Call, command: Command, **facts: str) -> None:
    audit.record(actor, command.verb, call=call, target_id=command.pk, outcome=audit.ASKED, **facts)
