"""The verb: who may export what, one audit entry for it, and the file as it comes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from calls.errors import BadInput, NotAllowed
from calls.exports import as_csv, as_json, as_srt, as_text, as_vtt, as_zip
from calls.exports.options import FORMATS, OF_ONE_CALL, Audio, Options
from calls.exports.rows import ExportedCall, exported_calls
from calls.models import Call
from calls.permissions import VERBS
from calls.selectors.records import iso_of
from calls.services import audit
from calls.services.actor import Actor
from calls.visibility import Viewer

MOST_CALLS: Final = 10_000
# What is handed on at once: large enough to be worth a step, small enough to be held.
PIECE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Exported:
    """A file on its way; `pieces` can be read once. Its name holds neither number nor name."""

    name: str
    content_type: str
    pieces: Iterator[bytes]


def export_calls(
    actor: Actor, viewer: Viewer, calls: Sequence[UUID], options: Options, *, one: Call | None = None
) -> Exported:
    """The calls, which the viewer sees, as a file; recorded before the first byte. `one` is the call if it is one by
    its own address."""
    options = _checked(viewer, options, len(calls), alone=one is not None)
    now = timezone.now()
    with transaction.atomic():
        audit.record(
            actor,
            "export",
            call=one,
            target=options.format,
            target_id=one.pk if one else uuid4(),
            calls=len(calls),
            redacted=options.redacted or "nothing",
            audio=str(options.audio) if options.format == "zip" else "",
            language=options.language,
            final_only=options.final,
        )
    name = f"call-{str(one.pk)[:8]}" if one else f"calls-{len(calls)}-{now:%Y%m%d-%H%M%S}"
    exported = exported_calls(calls, options)
    pieces = _written(exported, options, iso_of(now))
    return Exported(f"{name}.{options.format}", FORMATS[options.format], _in_pieces(pieces))


def _checked(viewer: Viewer, options: Options, count: int, *, alone: bool) -> Options:
    if options.format in OF_ONE_CALL and not alone:
        fault = "Ask for zip, which holds one such file per call."
        raise BadInput(f"The format {options.format} holds one call. {fault}", {"format": fault})
    if count > MOST_CALLS:
        raise BadInput(f"These are {count:,} calls, and an export holds {MOST_CALLS:,}. Narrow the filters.")
    if options.format != "zip":
        return replace(options, audio=Audio.NONE)
    hears = viewer.has_perm(VERBS["hear_recording"])
    if options.audio is None:
        return replace(options, audio=Audio.STEREO if hears and not options.digits else Audio.NONE)
    if options.audio != Audio.NONE and options.digits:
        fault = "Ask for audio=none, or do not hide digits."
        raise BadInput(f"Digits cannot be hidden in sound. {fault}", {"audio": fault})
    if options.audio != Audio.NONE and not hears:
        raise NotAllowed("Sound is exported by who may hear recordings. Ask for audio=none, or for the permission.")
    return options


def _written(calls: Iterable[ExportedCall], options: Options, exported_at: str) -> Iterator[bytes]:
    if options.format == "zip":
        return as_zip.written(calls, exported_at=exported_at, redacted=options.redacted, bom=options.bom)
    return (each.encode() for each in _text(calls, options, exported_at))


def _text(calls: Iterable[ExportedCall], options: Options, exported_at: str) -> Iterator[str]:
    match options.format:
        case "json":
            yield from as_json.written(calls, exported_at=exported_at, redacted=options.redacted)
        case "csv":
            yield from as_csv.written(calls, bom=options.bom)
        case "txt":
            yield from as_text.written(calls)
        case "vtt":
            for call in calls:
                yield from as_vtt.written(call)
        case "srt":
            for call in calls:
                yield from as_srt.written(call)


def _in_pieces(parts: Iterable[bytes]) -> Iterator[bytes]:
    held, size = [], 0
    for part in parts:
        held.append(part)
        size += len(part)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
