"""The verbs that play sound into a call or stop it, and the words by which the owning process confirms them."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any, Final
from uuid import UUID, uuid4

import soundfile
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from calls import commands, live
from calls.errors import BadInput, CallStateError, NotFound, TooLarge, UnsupportedAudio
from calls.models import Call, Clip, Command, Injection, Process, StreamSession
from calls.operations.figures import INJECTIONS
from calls.operations.process import PROCESS_ID
from calls.selectors import command_json, injection_json
from calls.services import audit
from calls.services.actor import Actor
from calls.services.state import fail_command, finish_command, lock

MAX_FILE_BYTES: Final = 50 * 1024 * 1024
MAX_FILE_S: Final = 600
MAX_TEXT: Final = 2_000
LOWEST_RATE_HZ: Final = 1_000
HIGHEST_RATE_HZ: Final = 768_000
LENGTH_UNKNOWN: Final = 2**62
MAX_WAITING: Final = 100
FORMATS: Final = {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav", "MP3": ".mp3", "FLAC": ".flac", "OGG": ".ogg"}
UNDER_WAY: Final = (Injection.State.QUEUED, Injection.State.PLAYING)
PROCESS_GONE: Final = "process_gone"
# What the others wrote when its process fell silent: should it only have slept, its own word is stronger.
GIVEN_UP: Final = Q(state=Injection.State.FAILED, error_code=PROCESS_GONE)
WHAT_FITS: Final = "Send WAV, MP3, FLAC or OGG of at most 10 minutes and 50 MB."


@dataclass(frozen=True, slots=True)
class SayText:
    text: str
    voice: str = ""
    speed_wpm: int | None = None


@dataclass(frozen=True, slots=True)
class PlayTone:
    tone_hz: int
    duration_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class PlayClip:
    clip_id: UUID


@dataclass(frozen=True, slots=True)
class PlayFile:
    upload: "UploadedFile[Any]"


Sound = SayText | PlayTone | PlayClip | PlayFile


@dataclass(frozen=True, slots=True)
class SoundFile:
    """What an audio file says of itself."""

    content: bytes
    extension: str
    duration_ms: int
    sample_rate_hz: int
    channels: int


def inspect(upload: "UploadedFile[Any]") -> SoundFile:
    """Reads an upload's header, so that a bad file is refused at the door; raises TooLarge, UnsupportedAudio."""
    if upload.size is not None and upload.size > MAX_FILE_BYTES:
        raise TooLarge(f"The file has {upload.size / 1e6:.0f} MB. {WHAT_FITS}", {"audio": WHAT_FITS})
    content = upload.read()
    try:
        facts = soundfile.info(BytesIO(content))
    except (RuntimeError, TypeError) as error:
        raise UnsupportedAudio(f"The file is no audio that we can read. {WHAT_FITS}", {"audio": WHAT_FITS}) from error
    if facts.format not in FORMATS:
        raise UnsupportedAudio(f"The file is {facts.format}. {WHAT_FITS}", {"audio": WHAT_FITS})
    if not LOWEST_RATE_HZ <= facts.samplerate <= HIGHEST_RATE_HZ:
        fault = f"Convert it to {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz."
        raise UnsupportedAudio(f"The file has a rate of {facts.samplerate} Hz. {fault}", {"audio": fault})
    if facts.frames >= LENGTH_UNKNOWN:
        fault = "Convert it once more, into a file and not through a pipe."
        raise UnsupportedAudio(f"The file does not say how long it is. {fault}", {"audio": fault})
    if facts.duration > MAX_FILE_S:
        raise TooLarge(f"The file lasts {_minutes(facts.duration)}. {WHAT_FITS}", {"audio": WHAT_FITS})
    if facts.frames <= 0:
        raise UnsupportedAudio(f"The file holds no sound. {WHAT_FITS}", {"audio": WHAT_FITS})
    return SoundFile(content, FORMATS[facts.format], round(facts.duration * 1000), facts.samplerate, facts.channels)


def _minutes(duration_s: float) -> str:
    return f"{duration_s / 60:.1f} minutes" if duration_s > MAX_FILE_S + 60 else "more than 10 minutes"


def add_clip(actor: Actor, name: str, upload: "UploadedFile[Any]") -> Clip:
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise BadInput("A clip needs a name of 1 to 80 characters.", {"name": "Give 1 to 80 characters."})
    sound = inspect(upload)
    clip = Clip(
        id=uuid4(),
        name=name,
        duration_ms=sound.duration_ms,
        sample_rate_hz=sound.sample_rate_hz,
        channels=sound.channels,
        size=len(sound.content),
        sha256=hashlib.sha256(sound.content).hexdigest(),
        added_by=actor.name,
    )
    if Clip.objects.filter(name=name).exists():
        raise _name_taken(name)
    # A name of our own: nothing of the upload's file name reaches the storage.
    clip.audio.save(f"{clip.id}{sound.extension}", ContentFile(sound.content), save=False)
    try:
        with transaction.atomic():
            clip.save(force_insert=True)
            audit.record(actor, "add_clip", target=clip.name, target_id=clip.pk, size=clip.size)
    except IntegrityError as error:
        clip.audio.delete(save=False)
        raise _name_taken(name) from error
    return clip


def _name_taken(name: str) -> BadInput:
    return BadInput(f"A clip named {name} exists already. Choose another name.", {"name": "This name is taken."})


def delete_clip(actor: Actor, clip: Clip) -> None:
    """Removes a clip. Calls that already have it in their queue fail it with a reason when its turn comes."""
    storage, name, clip_id = clip.audio.storage, clip.audio.name or "", clip.pk
    with transaction.atomic():
        clip.delete()
        transaction.on_commit(lambda: storage.delete(name))
        audit.record(actor, "delete_clip", target=clip.name, target_id=clip_id)


def inject(actor: Actor, call: Call, sound: Sound, *, loop: bool = False, gain_db: float = 0.0) -> Injection:
    """Queues a sound behind those already waiting, and orders the process that owns the call's socket to play it."""
    if not -40.0 <= gain_db <= 20.0:
        raise BadInput("The gain is out of range; it may be -40 to 20 dB.", {"gain_db": "It may be -40 to 20 dB."})
    fields, stored = _fields(sound)
    with transaction.atomic():
        locked = lock(call.pk)
        obstacle = locked.may("speak")
        if obstacle:
            raise CallStateError(obstacle)
        session = _open_session(locked)
        waiting = locked.injections.filter(state__in=(Injection.State.QUEUED, Injection.State.PLAYING)).count()
        if waiting >= MAX_WAITING:
            raise CallStateError(f"{waiting} sounds wait for this call already. Stop the sound or let them play first.")
        injection = Injection(call=locked, loop=loop, gain_db=gain_db, asked_by=actor.name, **fields)
        if stored is not None:
            injection.file.save(f"{injection.id}{stored.extension}", ContentFile(stored.content), save=False)
        injection.save(force_insert=True)
        live.announce(locked.pk, "injection_state", injection=injection_json(injection))
        order = order_of(injection)
        transaction.on_commit(lambda: commands.send(session.pk, order))
        audit.record(
            actor,
            "speak",
            call=locked,
            target_id=injection.pk,
            outcome=audit.ASKED,
            **_facts(injection),
        )
    return injection


def _facts(injection: Injection) -> dict[str, Any]:
    """What the audit keeps of a sound: how it is played, not what it says."""
    facts: dict[str, Any] = {"kind": str(injection.kind)}
    if injection.loop:
        facts["loop"] = True
    if injection.gain_db:
        facts["gain_db"] = f"{injection.gain_db:g}"
    return facts


def _open_session(call: Call) -> StreamSession:
    session: StreamSession | None = call.streams.filter(state=StreamSession.State.OPEN).order_by("-number").first()
    if session is None:
        raise CallStateError("No media socket is open for this call. Start streaming first.")
    return session


def _fields(sound: Sound) -> tuple[dict[str, Any], SoundFile | None]:
    """The row's columns for a sound, and the file to store with it; raises BadInput, NotFound and upload errors."""
    match sound:
        case SayText():
            text = sound.text.strip()
            if not 0 < len(text) <= MAX_TEXT:
                fault = f"Give 1 to {MAX_TEXT} characters of text."
                raise BadInput(f"There is nothing that can be said. {fault}", {"text": fault})
            speed = sound.speed_wpm
            if speed is not None and not 80 <= speed <= 400:
                raise BadInput("The speed may be 80 to 400 words a minute.", {"speed_wpm": "It may be 80 to 400."})
            voice = sound.voice or settings.SPEECH_VOICE
            if len(voice) > 64:
                raise BadInput("The voice is unknown. Choose one of the list.", {"voice": "This voice is unknown."})
            return {"kind": Injection.Kind.TEXT, "text": text, "voice": voice, "speed_wpm": speed}, None
        case PlayTone():
            if not 20 <= sound.tone_hz <= 7_900:
                raise BadInput("The tone may be 20 to 7900 Hz.", {"tone_hz": "It may be 20 to 7900."})
            if not 20 <= sound.duration_ms <= MAX_FILE_S * 1000:
                raise BadInput("The tone may last 20 ms to 10 minutes.", {"duration_ms": "It may be 20 to 600000."})
            return {"kind": Injection.Kind.TONE, "tone_hz": sound.tone_hz, "tone_ms": sound.duration_ms}, None
        case PlayClip():
            clip = Clip.objects.filter(pk=sound.clip_id).first()
            if clip is None:
                raise NotFound("There is no such clip. It may have been deleted; choose another.")
            return {"kind": Injection.Kind.CLIP, "clip": clip, "name": clip.name}, None
        case PlayFile():
            stored = inspect(sound.upload)
            return {"kind": Injection.Kind.FILE, "name": (sound.upload.name or "file")[-200:]}, stored


def order_of(injection: Injection) -> commands.PlaySound:
    """What the owning process has to know of an injection."""
    stored = injection.clip.audio.name if injection.clip else injection.file.name
    return commands.PlaySound(
        injection=str(injection.pk),
        kind=injection.kind,
        label=injection.label[:120],
        text=injection.text,
        voice=injection.voice,
        speed_wpm=injection.speed_wpm,
        tone_hz=injection.tone_hz,
        tone_ms=injection.tone_ms,
        file=stored or "",
        gain_db=injection.gain_db,
        loop=injection.loop,
    )


def stop_sound(actor: Actor, call: Call) -> Command:
    """Orders the owner to drop every queued sound and then to tell Azure to drop what it holds."""
    with transaction.atomic():
        locked = lock(call.pk)
        obstacle = locked.may("stop_sound")
        if obstacle:
            raise CallStateError(obstacle)
        session = _open_session(locked)
        command = Command.objects.create(
            call=locked, verb=Command.Verb.STOP_SOUND, asked_by=actor.name, asked_kind=actor.kind
        )
        live.announce(locked.pk, "command", command=command_json(command))
        order = commands.StopSound(str(command.pk))
        transaction.on_commit(lambda: commands.send(session.pk, order))
        audit.record(actor, "stop_sound", call=locked, target_id=command.pk, outcome=audit.ASKED)
    return command


# --- What the owning process says. Each is true only if the row was still waiting for it. ----------------------------


def injection_accepted(injection_id: UUID, owner: str = PROCESS_ID) -> bool:
    """The owner has the order: it may still wait behind others. False if it expired meanwhile: then play it never."""
    unclaimed = Q(state=Injection.State.QUEUED, accepted_at=None)
    return _change(injection_id, unclaimed, accepted_at=timezone.now(), owner=owner)


def injection_rendered(injection_id: UUID, duration_ms: int) -> bool:
    return _change(injection_id, Q(state=Injection.State.QUEUED), duration_ms=duration_ms)


def injection_started(injection_id: UUID) -> bool:
    return _change(
        injection_id,
        Q(state=Injection.State.QUEUED) | GIVEN_UP,
        state=Injection.State.PLAYING,
        started_at=timezone.now(),
        ended_at=None,
        error_code="",
        error_message="",
    )


def injection_over(injection_id: UUID, state: str, played_ms: int, code: str = "", message: str = "") -> bool:
    """`state` is done, stopped or failed; a sound that is over stays as it ended."""
    return _change(
        injection_id,
        Q(state__in=UNDER_WAY) | GIVEN_UP,
        state=state,
        ended_at=timezone.now(),
        played_ms=played_ms,
        error_code=code[:40],
        error_message=message,
    )


def _change(injection_id: UUID, waiting: Q, **fields: Any) -> bool:
    with transaction.atomic():
        found = Injection.objects.filter(pk=injection_id).values_list("call", flat=True).first()
        if found is None:
            return False
        lock(found)  # the call first, as everybody does: two transactions never wait for each other
        if Injection.objects.filter(waiting, pk=injection_id).update(**fields) != 1:
            return False
        injection = Injection.objects.select_related("clip").get(pk=injection_id)
        live.announce(injection.call_id, "injection_state", injection=injection_json(injection))
        if injection.state in Injection.OVER:
            transaction.on_commit(INJECTIONS.labels(injection.kind, injection.error_code or injection.state).inc)
        return True


def sound_stopped(command_id: UUID) -> None:
    """The owner has emptied its queue and sent StopAudio."""
    with transaction.atomic():
        command = _waiting_stop(command_id)
        if command is not None:
            finish_command(command)


def give_up_stop(command: Command) -> None:
    with transaction.atomic():
        current = _waiting_stop(command.pk)
        if current is not None:
            fail_command(current, "no_worker", "No worker answered, so the sound may still play. Stop it again.")


def _waiting_stop(command_id: UUID) -> Command | None:
    """The order to stop, if it still waits, under its call's lock."""
    waiting = Command.objects.filter(pk=command_id, state=Command.State.QUEUED)
    found = waiting.first()
    if found is None:
        return None
    lock(found.call_id)
    return waiting.first()


def give_up_unconfirmed(injection: Injection) -> bool:
    """No process has confirmed this order in 10 s: it failed, and is never played later."""
    return _change(
        injection.pk,
        Q(state=Injection.State.QUEUED, accepted_at=None),
        state=Injection.State.FAILED,
        ended_at=timezone.now(),
        error_code="no_worker",
        error_message="No worker answered: nothing was played. Ask again.",
    )


def end_sounds_of(process: Process) -> int:
    """Ends what a process that is gone had accepted or played. Returns how many."""
    still_silent = Process.objects.filter(pk=process.pk, beats=process.beats)
    left = Injection.objects.filter(state__in=UNDER_WAY, owner=process.pk)
    ended = 0
    for each in left.order_by("queued_at"):
        played_ms = max(0, round((process.seen_at - each.started_at).total_seconds() * 1000)) if each.started_at else 0
        had = "played this" if each.started_at else "was to play this"
        ended += _change(
            each.pk,
            Q(Exists(still_silent), state__in=UNDER_WAY),
            state=Injection.State.FAILED,
            ended_at=timezone.now(),
            played_ms=min(played_ms, each.duration_ms or played_ms),
            error_code=PROCESS_GONE,
            error_message=f"The process that {had} is gone. Play it again.",
        )
    return ended


def end_orphans(silent_for: timedelta) -> int:
    """Ends sounds whose process is gone: their call has had no socket for `silent_for`. Returns how many."""
    limit = timezone.now() - silent_for
    lately = StreamSession.objects.filter(call=OuterRef("call")).exclude(closed_at__lt=limit)
    left = Injection.objects.filter(accepted_at__lt=limit).exclude(state__in=Injection.OVER)
    return sum(
        injection_over(
            each.pk,
            Injection.State.STOPPED,
            each.played_ms,
            "stream_closed",
            "The stream ended before this was played.",
        )
        for each in left.exclude(Exists(lately))
    )
