"""Azure's own recording of a call. We steer it and list it; Azure makes it, keeps it, and may miss what we play.

What Azure accepts is believed when its callback arrives (RecordingStateChanged), or when it is asked after a while.
The file is Azure's as well: Event Grid tells where it is, and nothing fetches it by itself.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from calls import gateway_recordings, live
from calls.background import act
from calls.codes import RECORDING_STATES
from calls.doorways import callback_url
from calls.errors import BadInput, CallError, CallStateError, GatewayError
from calls.gateway_recordings import ACTIVE, RecordingOrder
from calls.models import AzureRecording, Call, CallEvent, Command
from calls.selectors import command_json, event_json
from calls.selectors.azure_recordings import azure_recording_json
from calls.services import audit
from calls.services.actor import Actor
from calls.services.orders import ask
from calls.services.recordings.azure_files import files_in
from calls.services.recordings.steering import refuse
from calls.services.state import HEEDERS, finish_command, lock

log = logging.getLogger(__name__)

Verb = Command.Verb
State = AzureRecording.State
# Who pauses and resumes it for a sensitive moment.
HOLDER: Final = Actor("portal", "portal, for a sensitive pause")
VERBS: Final = (
    Verb.START_AZURE_RECORDING,
    Verb.PAUSE_AZURE_RECORDING,
    Verb.RESUME_AZURE_RECORDING,
    Verb.STOP_AZURE_RECORDING,
)
CHANNELS: Final = ("mixed", "unmixed")
FORMATS: Final = ("wav", "mp3")
ASKED_AFTER: Final = timedelta(seconds=5)
HELD_AGAIN_AFTER: Final = timedelta(seconds=10)
UNTOLD: Final = timedelta(seconds=60)
NOT_RECORDING: Final = "Azure does not record this call."


def start_azure_recording(actor: Actor, call: Call, *, channel: str = "mixed", file_format: str = "wav") -> Command:
    """Has Azure record the call. In a sensitive moment it begins paused, and goes on after it."""
    _check(channel, file_format)
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may("record_at_azure"))
        if _open(locked) is not None:
            raise CallStateError("Azure records this call already.")
        recording = AzureRecording.objects.create(
            call=locked, channel=channel, file_format=file_format, asked_by=actor.name, held=locked.is_sensitive
        )
        command = _order(actor, locked, Verb.START_AZURE_RECORDING)
        _announce(recording, locked)
        wanted = RecordingOrder(
            locked.call_connection_id or "", callback_url(locked.pk), channel, file_format, recording.held
        )
    try:
        ask(command, lambda: _learn_id(recording.pk, gateway_recordings.start(wanted)))
    except CallError as error:
        _give_up(recording.pk, error)
        raise
    return _settled(command)


def pause_azure_recording(actor: Actor, call: Call) -> Command:
    return _steer(actor, call, Verb.PAUSE_AZURE_RECORDING, gateway_recordings.pause)


def resume_azure_recording(actor: Actor, call: Call) -> Command:
    return _steer(actor, call, Verb.RESUME_AZURE_RECORDING, gateway_recordings.resume)


def stop_azure_recording(actor: Actor, call: Call) -> Command:
    """For good; Azure then makes the file."""
    return _steer(actor, call, Verb.STOP_AZURE_RECORDING, gateway_recordings.stop)


def _check(channel: str, file_format: str) -> None:
    for name, given, allowed in (("channel", channel, CHANNELS), ("format", file_format, FORMATS)):
        if given not in allowed:
            fault = f"It may be {' or '.join(allowed)}."
            raise BadInput(f"Azure cannot record with the {name} {given[:20]!r}. {fault}", {name: fault})
    if channel == "unmixed" and file_format != "wav":
        fault = "A channel for each voice is only possible as wav."
        raise BadInput(f"Azure cannot record this. {fault}", {"format": fault})


def _steer(actor: Actor, call: Call, verb: Verb, send: Callable[[str], None]) -> Command:
    with transaction.atomic():
        locked = lock(call.pk)
        refuse(locked.may("record_at_azure"))
        recording = _open(locked)
        if recording is None:
            raise CallStateError(NOT_RECORDING)
        refuse(_obstacle(locked, recording, verb))
        command = _order(actor, locked, verb)
        if verb == Verb.PAUSE_AZURE_RECORDING:
            AzureRecording.objects.filter(pk=recording.pk).update(held=False)  # it is to stay so
    return _send(command, recording, send)


def _obstacle(call: Call, recording: AzureRecording, verb: Verb) -> str:
    """Why this cannot be asked now; empty if it can."""
    if not recording.azure_id:
        return "Azure's recording is being started. Try again in a moment."
    if verb == Verb.PAUSE_AZURE_RECORDING and recording.state == State.PAUSED:
        return "Azure's recording is paused already."
    if verb == Verb.RESUME_AZURE_RECORDING and call.is_sensitive:
        return "A sensitive pause holds everything back. Azure's recording goes on when it ends."
    if verb == Verb.RESUME_AZURE_RECORDING and recording.state == State.ACTIVE:
        return "Azure's recording is not paused."
    return ""


def _send(command: Command, recording: AzureRecording, send: Callable[[str], None]) -> Command:
    try:
        ask(command, lambda: send(recording.azure_id))
    except GatewayError as error:
        if gateway_recordings.is_unknown(error):
            _over(recording.pk, error.message)
        raise
    if command.verb == Verb.STOP_AZURE_RECORDING:
        _over(recording.pk)
    return _settled(command)


def _order(actor: Actor, locked: Call, verb: Verb) -> Command:
    """The order's row and its entry in the audit: the last statements of the transaction that locked the call."""
    command = Command.objects.create(call=locked, verb=verb, asked_by=actor.name, asked_kind=actor.kind)
    live.announce(locked.pk, "command", command=command_json(command))
    step = verb.value.partition("_")[0]
    audit.record(actor, "record_at_azure", call=locked, target_id=command.pk, outcome=audit.ASKED, step=step)
    return command


def _open(call: Call) -> AzureRecording | None:
    found: AzureRecording | None = call.azure_recordings.filter(state__in=AzureRecording.OPEN).first()
    return found


def _announce(recording: AzureRecording, call: Call) -> None:
    live.announce(call.pk, "azure_recording", recording=azure_recording_json(recording, call))


def _learn_id(recording_id: UUID, azure_id: str) -> None:
    AzureRecording.objects.filter(pk=recording_id).update(azure_id=azure_id)


def _give_up(recording_id: UUID, error: CallError) -> None:
    """Azure did not start it. Where it may have done so, its callback is waited for."""
    if isinstance(error, GatewayError) and error.may_have_happened:
        return
    _change(recording_id, state=State.FAILED, error=error.message[:300], ended_at=timezone.now())


def _over(recording_id: UUID, error: str = "") -> None:
    _change(recording_id, state=State.STOPPED, held=False, error=error[:300], ended_at=timezone.now())


def _change(recording_id: UUID, **fields: Any) -> None:
    """Writes an open recording's news and shows them."""
    with transaction.atomic():
        found = AzureRecording.objects.filter(pk=recording_id).values_list("call", flat=True).first()
        if found is None:
            return
        call = lock(found)
        recording = call.azure_recordings.filter(pk=recording_id, state__in=AzureRecording.OPEN).first()
        if recording is None:
            return
        for name, value in fields.items():
            setattr(recording, name, value)
        recording.save(update_fields=list(fields))
        _announce(recording, call)


def _settled(command: Command) -> Command:
    """Callbacks may have been faster than Azure's answer."""
    with transaction.atomic():
        call = lock(command.call_id)
        settle_recordings(call)
        if command.verb == Verb.STOP_AZURE_RECORDING:
            _finish(call, (Verb.STOP_AZURE_RECORDING,))
    command.refresh_from_db()
    return command


# --- What Azure tells. -----------------------------------------------------------------------------------------------


def state_told(call: Call, event: CallEvent) -> None:
    """RecordingStateChanged, stored already and under the call's lock."""
    about = event.raw.get("data") or {}
    azure_id, said = about.get("recordingId"), about.get("state")
    named = call.azure_recordings.filter(azure_id=azure_id)
    if said in RECORDING_STATES:
        event.message = said  # by which its words are found
        event.save(update_fields=["message"])
    nameless = call.azure_recordings.filter(azure_id="", state=State.STARTING).first()
    if azure_id and nameless is not None and not named.exists():
        nameless.azure_id = str(azure_id)
        nameless.save(update_fields=["azure_id"])
    settle_recordings(call)
    transaction.on_commit(lambda: act(follow_sensitive, call.pk))


def start_failed(call: Call, event: CallEvent) -> None:
    """StartRecordingFailed: Azure took the order and could not carry it out."""
    recording = _open(call)
    if recording is None:
        return
    recording.state, recording.ended_at = State.FAILED, timezone.now()
    recording.error = (event.message or "Azure gave no reason.")[:300]
    recording.save(update_fields=["state", "ended_at", "error"])
    _announce(recording, call)


HEEDERS["RecordingStateChanged"] = state_told
HEEDERS["StartRecordingFailed"] = start_failed


def settle_recordings(call: Call) -> None:
    """Writes what Azure has said of the open recording so far, in whatever order it came. Under the call's lock."""
    recording = _open(call)
    if recording is None or not recording.azure_id:
        return
    told = call.events.filter(type="RecordingStateChanged", raw__data__recordingId=recording.azure_id)
    newest = told.order_by("event_time", "received_at").last()
    if newest is not None:
        _hear(call, recording, str((newest.raw.get("data") or {}).get("state") or ""))


def _hear(call: Call, recording: AzureRecording, said: str) -> None:
    state = State.ACTIVE if said == ACTIVE else State.PAUSED
    if recording.state != state:
        recording.state = state
        recording.save(update_fields=["state"])
        _announce(recording, call)
    began = (Verb.START_AZURE_RECORDING,)
    _finish(call, (*began, Verb.RESUME_AZURE_RECORDING if said == ACTIVE else Verb.PAUSE_AZURE_RECORDING))


def _finish(call: Call, verbs: tuple[Verb, ...]) -> None:
    for command in call.commands.filter(verb__in=verbs, state=Command.State.ACCEPTED):
        finish_command(command)


def file_ready(stored: CallEvent) -> None:
    """Event Grid's RecordingFileStatusUpdated: the files of a recording, with what Azure says of them."""
    found = files_in(stored.raw)
    recording = AzureRecording.objects.filter(azure_id=found.recording_id).first() if found.recording_id else None
    call = recording.call if recording else Call.objects.filter(server_call_id=found.server_call_id).first()
    if call is None or not (recording or found.server_call_id):
        CallEvent.objects.filter(pk=stored.pk).update(waiting=False)
        return
    with transaction.atomic():
        call = lock(call.pk)
        # Somebody else may have had the call recorded: it is listed all the same.
        kept = recording or AzureRecording(call=call, azure_id=found.recording_id, asked_by="somebody else")
        kept.started_at = found.started_at or kept.started_at
        known = {each["document_id"]: each for each in kept.files}
        kept.files = list({**known, **{each["document_id"]: each for each in found.files}}.values())
        kept.state, kept.ended_at = State.READY, kept.ended_at or stored.event_time
        kept.held = False
        kept.save()
        stored.call, stored.waiting = call, False
        stored.save(update_fields=["call", "waiting"])
        live.announce(call.pk, "event", event=event_json(stored, call))
        _announce(kept, call)


# --- Sensitive moments, and what the sweep looks after. --------------------------------------------------------------


def follow_sensitive(call_id: UUID) -> None:
    """Pauses Azure's recording while a sensitive moment lasts, and resumes afterwards what it paused itself."""
    with transaction.atomic():
        call = lock(call_id)
        recording = _open(call)
        verb = _due(call, recording) if recording is not None else None
        if recording is None or verb is None:
            return
        recording.held = verb == Verb.PAUSE_AZURE_RECORDING
        recording.save(update_fields=["held"])
        _announce(recording, call)
        command = _order(HOLDER, call, verb)
    send = gateway_recordings.pause if verb == Verb.PAUSE_AZURE_RECORDING else gateway_recordings.resume
    try:
        _send(command, recording, send)
    except CallError as error:
        log.warning("call %s: Azure's recording could not follow the sensitive pause: %s", call_id, error.code)
        if verb == Verb.RESUME_AZURE_RECORDING:
            _change(recording.pk, held=True)  # it is asked again


def _due(call: Call, recording: AzureRecording) -> Verb | None:
    """What the sensitive moment asks of Azure now; None if nothing, or if an order is under way or just failed."""
    if call.state != Call.State.CONNECTED or not recording.azure_id:
        return None
    orders = call.commands.filter(verb__in=VERBS)
    lately = timezone.now() - HELD_AGAIN_AFTER
    if orders.filter(state__in=(Command.State.QUEUED, Command.State.ACCEPTED)).exists():
        return None
    if orders.filter(asked_by=HOLDER.name, state=Command.State.FAILED, created_at__gt=lately).exists():
        return None
    if call.is_sensitive:
        return Verb.PAUSE_AZURE_RECORDING if recording.state == State.ACTIVE else None
    return Verb.RESUME_AZURE_RECORDING if recording.held and recording.state == State.PAUSED else None


def look_after_azure() -> None:
    """Each round of the sweep: what was lost on the way between Azure and us is made good."""
    now = timezone.now()
    for recording in AzureRecording.objects.filter(state__in=AzureRecording.OPEN).select_related("call"):
        call = recording.call
        if not call.is_live:
            _change(recording.pk, state=State.STOPPED, held=False, ended_at=call.ended_at or now)
            continue
        if not recording.azure_id and recording.started_at < now - UNTOLD:
            lost = "Azure told nothing of it."
            _change(recording.pk, state=State.FAILED, error=lost, ended_at=now)
            continue
        unanswered = call.commands.filter(verb__in=VERBS, state=Command.State.ACCEPTED)
        if recording.azure_id and unanswered.filter(accepted_at__lt=now - ASKED_AFTER).exists():
            act(ask_after, recording.pk)
        elif call.is_sensitive or recording.held:
            act(follow_sensitive, call.pk)


def ask_after(recording_id: UUID) -> None:
    """Asks Azure how a recording stands whose callback does not come."""
    recording = AzureRecording.objects.get(pk=recording_id)
    try:
        said = gateway_recordings.state_of(recording.azure_id)
    except CallError as error:
        log.warning("call %s: Azure's recording could not be asked after: %s", recording.call_id, error.code)
        return
    if not said:
        _over(recording_id, "Azure no longer knows this recording.")
        return
    with transaction.atomic():
        call = lock(recording.call_id)
        current = _open(call)
        if current is not None and current.pk == recording_id:
            _hear(call, current, said)
