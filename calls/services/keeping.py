"""What is kept of a call's sound, from the view of the process that has it: its recording, its transcript, the moments
that are held back. A process obeys such orders twice without harm, so what may have been missed is said again.

Whatever keeps or forwards a call's sound asks here: in the process that has the sound `streaming.keeping.Keeping`
holds it and lets it go (`keep`), everywhere else `call.is_sensitive` tells, under the call's lock.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from calls.commands import (
    BeginSensitive,
    EndSensitive,
    KeepingOrder,
    PauseRecording,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from calls.models import Call, Command, StreamSession, Take
from calls.services.state import lock
from calls.services.transcripts.wish import begin_transcript, transcript_now

Verb = Command.Verb
RECORDING_VERBS: Final = (Verb.START_RECORDING, Verb.STOP_RECORDING, Verb.PAUSE_RECORDING, Verb.RESUME_RECORDING)
REPLACED: Final = "a newer socket took its place"
BY_POLICY: Final = "policy"
# Such an order was not carried out, so what was wished before it is the wish. One to keep less holds even so.
_UNDONE: Final = (Verb.START_RECORDING, Verb.RESUME_RECORDING)
# Closes after which the process keeps no line (streaming.endpoint): streaming was stopped, or the process ends.
_FOR_GOOD: Final = (1000, 1012)


def kept_from_the_start(call: Call, owner: str) -> tuple[KeepingOrder, ...]:
    """What a socket that opens now has to do at once. Inside the transaction that holds the call's lock."""
    if recording_wish(call) != Call.Kept.OFF and not _goes_on(call, owner):
        open_take(call, owner, _wisher(call))
    begin_transcript(call)
    return kept_now(call, owner)


def kept_again(session: StreamSession) -> tuple[KeepingOrder, ...]:
    """What the owner of an open socket should be doing, should it have missed an order."""
    with transaction.atomic():
        call = lock(session.call_id)
        takes = call.takes.filter(owner=session.owner, state__in=Take.OPEN)
        if call.is_live and recording_wish(call) != Call.Kept.OFF and not takes.exists():
            open_take(call, session.owner, _wisher(call))
        return kept_now(call, session.owner)


def kept_now(call: Call, owner: str) -> tuple[KeepingOrder, ...]:
    """What this owner of the call's socket should be doing at this moment."""
    waiting = call.commands.filter(state=Command.State.QUEUED).order_by("created_at")
    asked = {verb: str(pk) for verb, pk in waiting.values_list("verb", "pk")}
    return (_held(call, asked), *_recording(call, owner, asked), transcript_now(call, asked))


def _held(call: Call, asked: dict[str, str]) -> KeepingOrder:
    until = call.sensitive_until
    if until is not None and until > timezone.now():
        return BeginSensitive(until.timestamp(), asked.get(Verb.BEGIN_SENSITIVE, ""))
    return EndSensitive(asked.get(Verb.END_SENSITIVE, ""))


def _recording(call: Call, owner: str, asked: dict[str, str]) -> Iterator[KeepingOrder]:
    wish = recording_wish(call)
    newest_first = call.takes.filter(owner=owner, state__in=Take.OPEN).order_by("-number")
    for place, take in enumerate(newest_first):
        take_id = str(take.pk)
        if wish == Call.Kept.OFF or place:
            yield StopRecording(take_id, asked.get(Verb.STOP_RECORDING, ""))
            continue
        yield StartRecording(take_id, asked.get(Verb.START_RECORDING, ""))
        if wish == Call.Kept.PAUSED:
            yield PauseRecording(take_id, asked.get(Verb.PAUSE_RECORDING, ""))
        elif take.state == Take.State.PAUSED:
            yield ResumeRecording(take_id, asked.get(Verb.RESUME_RECORDING, ""))


def recording_wish(call: Call) -> Call.Kept:
    """What somebody asked for last; while nobody has, what the call's policy says.

    It outlives sockets: streaming that is stopped and started again is recorded as before, and what was stopped by
    hand stays stopped.
    """
    asked = call.commands.filter(verb__in=RECORDING_VERBS).order_by("-created_at").values_list("verb", "state")
    for verb, state in asked:
        if verb in _UNDONE and state == Command.State.FAILED:
            continue
        if verb == Verb.STOP_RECORDING:
            return Call.Kept.OFF
        return Call.Kept.PAUSED if verb == Verb.PAUSE_RECORDING else Call.Kept.RECORDING
    return Call.Kept.RECORDING if call.recording_start == "now" else Call.Kept.OFF


def open_take(call: Call, owner: str, asked_by: str) -> Take:
    """A new take of the call in this process. Under the call's lock."""
    number = (call.takes.aggregate(Max("number"))["number__max"] or 0) + 1
    state = Take.State.PAUSED if recording_wish(call) == Call.Kept.PAUSED else Take.State.RECORDING
    return Take.objects.create(call=call, number=number, owner=owner, asked_by=asked_by, state=state)


def _wisher(call: Call) -> str:
    """Who wanted the recording that begins now."""
    started = call.commands.filter(verb=Verb.START_RECORDING).exclude(state=Command.State.FAILED)
    by_hand: str | None = started.order_by("-created_at").values_list("asked_by", flat=True).first()
    return by_hand or f"{BY_POLICY} {call.policy_name}".strip()


def newest_take(call: Call) -> Take | None:
    """The take that is being written now, or is about to be."""
    found: Take | None = call.takes.filter(state__in=Take.OPEN).order_by("-number").first()
    return found


def _goes_on(call: Call, owner: str) -> bool:
    """Whether the process still has the call's line, as the last socket left it, and so its take as well."""
    if not call.takes.filter(owner=owner, state__in=Take.OPEN).exists():
        return False
    before: StreamSession | None = call.streams.exclude(state=StreamSession.State.OPEN).order_by("-number").first()
    if before is None or before.owner != owner or before.closed_at is None:
        return False
    if before.close_code in _FOR_GOOD and before.close_reason != REPLACED:
        return False
    return before.closed_at > timezone.now() - timedelta(seconds=settings.STREAM_KEEP_S)
