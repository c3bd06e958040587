"""What one transcription socket has said so far: its turns, its clock and its faults. No input or output of its own.

Azure gives an utterance no name. Its results are told apart by their speaker and by their order: intermediate ones up
to a final one are one turn, and so have one key; a result that begins after the open turn's end begins the next one.

Times count from when Azure began to transcribe (tutorial, 2026), which is taken to be when its metadata arrived. What
was heard before that moment, or was said later than it arrived, shows that this is wrong: then the clock is set back,
so that the result ends when it came. After a break Azure may count on or begin anew; the same rule settles both.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streaming.audio import MIXED
from streaming.protocol import ProtocolError, UnknownKind
from streaming.session import (
    CLOSE_FLOOD,
    CLOSE_NONSENSE,
    CLOSE_TOO_BIG,
    CLOSE_UNSUPPORTED,
    LARGEST_MESSAGE_BYTES,
    MALFORMED_IN_A_ROW,
    MOST_PARTICIPANTS,
    StreamMustClose,
)
from streaming.transcripts.messages import SpokenResult, TranscriptMetadata, decode

EARLY_S: Final = 0.5
"""So much before its end a result may arrive: the two clocks are not one."""
LONGEST_S: Final = 48 * 3600.0
"""An offset beyond this is no offset: early betas sent moments of a calendar."""
SHOWN_EVERY_S: Final = 0.25
"""A turn that is being spoken is written no more often than this."""
MESSAGES_PER_S: Final = 60
BACKLOG: Final = 1_000
"""How many messages may come at once, after a hold-up of the network; four voices make about 20 a second."""
_CUT: Final = "cut"


class Turn(msgspec.Struct):
    """One revision of what somebody said. Words are seconds from its beginning."""

    key: str
    raw_id: str
    text: str
    started_at: datetime
    ended_at: datetime
    final: bool
    language: str
    confidence: float | None = None
    words: list[dict[str, Any]] = msgspec.field(default_factory=list)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class _Voice:
    """One speaker: how many turns it had, and the one that is open. `begun_s` is on the results' clock."""

    index: int
    turns: int = 0
    open: Turn | None = None
    ends_s: float | None = None
    told_s: float = float("-inf")
    is_told: bool = True
    floor_at: datetime | None = None
    last_final: tuple[float | None, str] | None = None


@dataclass(slots=True)
class TranscriptFacts:
    """Counts only ever grow. `malformed` counts messages by kind of fault."""

    subscription_id: str = ""
    results: int = 0
    finals: int = 0
    clock_set_back: int = 0
    malformed: dict[str, int] = field(default_factory=dict)


class TranscriptSession:
    """One transcription socket. Feed it every message in order; it answers with what is to be written.

    `key_prefix` sets its turns apart from those of the call's other sockets; `now_s` is the monotonic clock.
    """

    def __init__(self, key_prefix: str, language: str, now_s: float) -> None:
        self.facts = TranscriptFacts()
        self.language = language
        self._prefix = key_prefix
        self._voices: dict[str, _Voice] = {}
        self._zeros: list[datetime] = []
        self._malformed_in_a_row = 0
        self._credit = float(BACKLOG)
        self._credited_s = now_s

    def receive(self, text: str | None, arrived_s: float, wall: datetime) -> list[Turn]:
        """Takes one WebSocket message (None: it was binary). Raises StreamMustClose when going on makes no sense."""
        if text is None:
            self._malformed("binary")
            raise StreamMustClose(CLOSE_UNSUPPORTED, "Send text frames with JSON; binary frames are not understood.")
        if len(text) > LARGEST_MESSAGE_BYTES // 4 and len(text.encode(errors="replace")) > LARGEST_MESSAGE_BYTES:
            self._malformed("too_big")
            raise StreamMustClose(CLOSE_TOO_BIG, f"A message may have at most {LARGEST_MESSAGE_BYTES} bytes.")
        self._spend(arrived_s)
        try:
            message = decode(text)
            if isinstance(message, UnknownKind):
                raise ProtocolError("unknown_kind", "The message is of a kind that is not known.")
            if isinstance(message, TranscriptMetadata):
                self._open(message, wall)
                turns = []
            else:
                turns = self._heard(message, arrived_s, wall)
        except ProtocolError as error:
            self._malformed(error.kind)
            return []
        self._malformed_in_a_row = 0
        return turns

    def due(self, now_s: float) -> list[Turn]:
        """Revisions that were held back, as they came too soon after others. Ask several times a second."""
        return [
            self._tell(voice, voice.open, now_s)
            for voice in self._voices.values()
            if voice.open is not None and not voice.is_told and now_s - voice.told_s >= SHOWN_EVERY_S
        ]

    def close(self) -> list[Turn]:
        """The socket is gone: what is open now is as it is. Each such turn says in `extra` that it was cut."""
        found = [self._end(voice) for voice in self._voices.values() if voice.open is not None]
        return [each for each in found if each is not None]

    def _open(self, metadata: TranscriptMetadata, wall: datetime) -> None:
        self.facts.subscription_id = metadata.subscription_id
        self.language = metadata.locale or self.language
        self._zeros = [*self._zeros[-1:], wall]

    def _heard(self, result: SpokenResult, arrived_s: float, wall: datetime) -> list[Turn]:
        voice = self._voice(result.raw_id or MIXED)
        self.facts.results += 1
        self.facts.finals += result.final
        said = (result.start_s, result.text)
        if result.final and said == voice.last_final:
            return []  # said twice
        turns: list[Turn] = []
        if voice.open is not None and self._begins_another(voice, result) and (cut := self._end(voice)) is not None:
            turns.append(cut)
        turn = self._turn(voice, result, wall)
        voice.ends_s = None if result.start_s is None else result.start_s + result.duration_s
        if result.final:
            voice.open, voice.last_final = None, said
            turns.append(turn)
            return turns
        voice.open, voice.is_told = turn, False
        if arrived_s - voice.told_s >= SHOWN_EVERY_S:
            turns.append(self._tell(voice, turn, arrived_s))
        return turns

    def _voice(self, raw_id: str) -> _Voice:
        voice = self._voices.get(raw_id)
        if voice is None:
            if len(self._voices) >= MOST_PARTICIPANTS:
                raise ProtocolError(
                    "too_many_participants", f"The socket names more than {MOST_PARTICIPANTS} participants."
                )
            voice = self._voices[raw_id] = _Voice(len(self._voices) + 1)
        return voice

    @staticmethod
    def _begins_another(voice: _Voice, result: SpokenResult) -> bool:
        return voice.ends_s is not None and result.start_s is not None and result.start_s > voice.ends_s

    def _turn(self, voice: _Voice, result: SpokenResult, wall: datetime) -> Turn:
        if voice.open is None:
            voice.turns += 1
            voice.told_s = float("-inf")
        if voice.open is not None and not result.final:
            started_at = voice.open.started_at
        else:
            started_at = self._moment(result, wall)
        if voice.floor_at is not None:
            started_at = max(started_at, voice.floor_at)  # nobody's words go back behind those before
        if result.final:
            voice.floor_at = started_at
        start_s = result.start_s or 0.0
        words = [
            {"text": each.text, "start_s": round(each.start_s - start_s, 3), "end_s": round(each.end_s - start_s, 3)}
            for each in result.words
        ]
        ended_at = started_at + timedelta(seconds=min(result.duration_s, LONGEST_S))
        return Turn(
            key=f"{self._prefix}{voice.index}:{voice.turns}",
            raw_id=result.raw_id or MIXED,
            text=result.text,
            started_at=started_at,
            ended_at=ended_at,
            final=result.final,
            language=result.language or self.language,
            confidence=result.confidence,
            words=words,
            extra=result.extra,
        )

    def _moment(self, result: SpokenResult, wall: datetime) -> datetime:
        """When the utterance began, never so that it would have ended after it came."""
        duration_s = min(result.duration_s, LONGEST_S)
        if result.start_s is None or result.start_s > LONGEST_S:
            return wall - timedelta(seconds=duration_s)
        end = timedelta(seconds=result.start_s + duration_s)
        latest = wall + timedelta(seconds=EARLY_S)
        fitting = [zero for zero in self._zeros if zero + end <= latest]
        if fitting:
            zero = max(fitting)
        elif not result.final and self._zeros:
            return wall - timedelta(seconds=duration_s)  # only a final one is exact enough to set a clock by
        else:
            zero = wall - end
            self._zeros = [zero]
            self.facts.clock_set_back += 1
        return zero + timedelta(seconds=result.start_s)

    @staticmethod
    def _tell(voice: _Voice, turn: Turn, now_s: float) -> Turn:
        voice.told_s, voice.is_told = now_s, True
        return turn

    @staticmethod
    def _end(voice: _Voice) -> Turn | None:
        turn, voice.open = voice.open, None
        if turn is None:
            return None
        return msgspec.structs.replace(turn, final=True, extra={**turn.extra, _CUT: True})

    def _spend(self, arrived_s: float) -> None:
        self._credit = min(BACKLOG, self._credit + (arrived_s - self._credited_s) * MESSAGES_PER_S) - 1
        self._credited_s = arrived_s
        if self._credit < 0:
            raise StreamMustClose(CLOSE_FLOOD, f"More than {MESSAGES_PER_S} messages a second came.")

    def _malformed(self, kind: str) -> None:
        self.facts.malformed[kind] = self.facts.malformed.get(kind, 0) + 1
        self._malformed_in_a_row += 1
        if self._malformed_in_a_row >= MALFORMED_IN_A_ROW:
            raise StreamMustClose(CLOSE_NONSENSE, f"{MALFORMED_IN_A_ROW} messages in a row made no sense.")


def facts_row(facts: TranscriptFacts) -> dict[str, Any]:
    """What the timeline keeps of a socket that closed."""
    malformed: Iterable[int] = facts.malformed.values()
    return {
        "subscription": facts.subscription_id[:128],
        "results": facts.results,
        "finals": facts.finals,
        "clock_set_back": facts.clock_set_back,
        "malformed": sum(malformed),
    }
