"""What one media socket has said so far: its state, its clocks and its faults. No input or output of its own.

Two clocks run for each participant. The media clock is Azure's: the messages' timestamps where they can be read and do
advance, otherwise the length of the sound itself. The arrival clock is ours. From them come

* gaps: a step of the media clock of more than one and a half frames is one gap, and what is missing is added to
  `lost_ms`. Timestamps that cannot be used leave only arrival to judge by, where a hole below 100 ms is jitter. Frames
  that come late never count negative. A hole of 10 s or more is an absence (hold, mute, a clock that was set) and not
  a loss; and since an unmixed stream carries the four most dominant speakers, once a fifth one has been seen a hole of
  1 s or more is an absence as well.
* haste: sound that comes faster than three times real time for as long as 15 s of it is a flood, and closes the
  socket. What had waited 15 s in the network may come at once. Any other message counts as one frame.
* lag: how much later frames arrive than the quickest of their participant did, smoothed over about 16 frames. The
  baseline creeps up by 0.1 ms per second, so that two honest quartz clocks do not add up to a lag in a long call.
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from streaming.audio import FRAME_MS, MIXED, PcmFrame, duration_ms, frame_bytes
from streaming.protocol import LONGEST_NAME, AudioData, AudioMetadata, DtmfData, Message, ProtocolError, decode

LARGEST_MESSAGE_BYTES: Final = 262_144
RATES_HZ: Final = frozenset({16_000, 24_000})
MALFORMED_IN_A_ROW: Final = 250
MOST_PARTICIPANTS: Final = 400
"""More than a group call can hold; a bound on what one socket can make us remember."""

FRAME_S: Final = FRAME_MS / 1000
GAP_STEP_FACTOR: Final = 1.5
ARRIVAL_GAP_S: Final = 0.1
ABSENCE_S: Final = 10.0
EARLIEST_YEAR: Final = 2000
"""A frame dated earlier carries .NET's year 1, which means that nobody set its time."""
DOMINANT_SPEAKERS: Final = 4
DISPLACED_S: Final = 1.0
CLOCK_SET_BACK_S: Final = -1.0
LAG_SMOOTHING: Final = 1 / 16
CLOCK_DRIFT: Final = 1e-4
MOST_HASTE: Final = 3
BACKLOG_MS: Final = 15_000.0
"""How much sound of each speaker may come at once."""
METADATA_MS: Final = 1_000.0
"""What metadata counts as: it is said once, and makes much work."""

STALLED_S: Final = 1.0
"""Frames come each 20 ms even while nobody speaks, so a second without any is news."""
STOP_WAIT_S: Final = 5.0
"""Azure closes a socket that it was asked to stop; if it does not, we do after so long."""
STALLS_TOLD: Final = 50

CLOSE_PROTOCOL_ERROR: Final = 1002
CLOSE_UNSUPPORTED: Final = 1003
CLOSE_NONSENSE: Final = 1007
CLOSE_FLOOD: Final = 1008
CLOSE_TOO_BIG: Final = 1009


class StreamMustClose(Exception):  # noqa: N818 (an order to the socket's owner, not only an error)
    """The socket has to be closed with this code (RFC 6455, section 7.4.1) and reason (at most 123 bytes)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Opened(msgspec.Struct, frozen=True):
    """The stream has said what it is. `again` when it says so a second time, perhaps with another rate."""

    metadata: AudioMetadata
    again: bool


class DtmfPressed(msgspec.Struct, frozen=True):
    """A key pressed on a telephone: one of 0–9, *, #, A–D; by whom is seldom said."""

    tone: str
    raw_id: str | None
    at: datetime
    arrived_s: float


class StreamFacts(msgspec.Struct):
    """What is known of a stream so far; counts only ever grow. `malformed` counts messages by kind of fault."""

    subscription_id: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    encoding: str = ""
    frame_length: int | None = None
    rate_differs: bool = False
    first_frame_at: datetime | None = None
    first_timestamps: dict[str, str] = msgspec.field(default_factory=dict)
    frames_received: int = 0
    gaps: int = 0
    lost_ms: float = 0.0
    lag_ms: float = 0.0
    wrong_size: int = 0
    malformed: dict[str, int] = msgspec.field(default_factory=dict)
    malformed_total: int = 0


class _Track:
    """The two clocks of one participant, in seconds."""

    __slots__ = ("arrived_s", "at", "baseline_s", "frame_s", "late_s", "longest_step_s", "media_s")

    def __init__(self, at: datetime | None, arrived_s: float, frame_s: float) -> None:
        self.at = at
        self.arrived_s = self.media_s = arrived_s
        self.baseline_s = self.late_s = 0.0
        self.set_frame(frame_s)

    def set_frame(self, frame_s: float) -> None:
        """The length of the newest frame, and so the step that the next one is expected to make."""
        self.frame_s = frame_s
        self.longest_step_s = frame_s * GAP_STEP_FACTOR

    def advance(self, at: datetime | None, arrived_s: float, participants: int) -> float:
        """Moves both clocks on to the frame that has come; returns the seconds that are missing before it."""
        elapsed_s = arrived_s - self.arrived_s
        self.arrived_s = arrived_s
        missing_s = 0.0
        step_s = (at - self.at).total_seconds() if at and self.at else 0.0
        if 0.0 < step_s <= self.longest_step_s:
            self.at = at
        elif CLOCK_SET_BACK_S < step_s < 0.0:
            return 0.0  # overtaken on its way: it says nothing about either clock
        else:
            self.at = at
            step_s, missing_s = self._unusual_step(step_s, elapsed_s, participants)
        self.media_s += step_s
        offset_s = arrived_s - self.media_s
        crept_s = self.baseline_s + elapsed_s * CLOCK_DRIFT
        self.baseline_s = baseline_s = offset_s if offset_s < crept_s else crept_s
        self.late_s += (offset_s - baseline_s - self.late_s) * LAG_SMOOTHING
        return missing_s

    def _unusual_step(self, step_s: float, elapsed_s: float, participants: int) -> tuple[float, float]:
        if step_s == 0.0:
            step_s = elapsed_s if elapsed_s > self.frame_s + ARRIVAL_GAP_S else self.frame_s
        if self.longest_step_s < step_s < (ABSENCE_S if participants <= DOMINANT_SPEAKERS else DISPLACED_S):
            return step_s, step_s - self.frame_s
        return (step_s if step_s == self.frame_s else elapsed_s), 0.0


class StallWatch:
    """Notices that a stream brings no frames any more, and that it goes on. Ask it about once a second."""

    def __init__(self, session: "MediaSession") -> None:
        self._session = session
        self._stalled = False
        self._stalls = 0

    def look(self, now_s: float) -> tuple[bool, float] | None:
        """News only: (True, seconds without a frame so far), or (False, how long it was in the end)."""
        idle_s = self._session.idle_s(now_s)
        if idle_s >= STALLED_S and not self._stalled and self._stalls < STALLS_TOLD:
            self._stalled = True
            self._stalls += 1
            return True, idle_s
        if idle_s < STALLED_S and self._stalled:
            self._stalled = False
            return False, self._session.stall_s
        return None


class IdleWatch:
    """Ends a stream that brings no sound: Azure is asked to stop it, and if it does not, the socket is closed."""

    def __init__(self, session: "MediaSession", limit_s: float) -> None:
        self._session = session
        self._limit_s = limit_s
        self._asked = False

    def look(self, now_s: float) -> Literal["ask", "close"] | None:
        """`ask` once per silence, `close` when it goes on for STOP_WAIT_S more."""
        idle_s = self._session.idle_s(now_s)
        if idle_s < self._limit_s:
            self._asked = False
        elif not self._asked:
            self._asked = True
            return "ask"
        elif idle_s >= self._limit_s + STOP_WAIT_S:
            return "close"
        return None


class MediaSession:
    """One media socket. Feed it every message in order; it answers with what the pipeline should see.

    `expected_rate_hz` is what the call asked for, None if that is not known; a stream that comes at the other rate is
    taken as it is and `facts.rate_differs` says so. `now` is the monotonic clock when the socket was accepted.
    """

    def __init__(self, expected_rate_hz: int | None, now: float) -> None:
        self.facts = StreamFacts()
        self._expected_rate_hz = expected_rate_hz
        self._last_frame_s = now
        self.stall_s = 0.0
        """How long the last hole of STALLED_S or more was, as frames arrive."""
        self._frame_bytes = 0
        self._tracks: dict[str, _Track] = {}
        self._malformed_in_a_row = 0
        self._credit_ms = BACKLOG_MS
        self._credited_s = now

    def idle_s(self, now_s: float) -> float:
        """Seconds since the last audio frame, or since the socket was accepted."""
        return now_s - self._last_frame_s

    def receive(
        self, text: str | None, binary: bytes | None, arrived_s: float, wall: datetime
    ) -> PcmFrame | DtmfPressed | Opened | None:
        """Takes one WebSocket message; None means counted and passed over.

        `arrived_s` is the monotonic clock, `wall` the time of day. Raises StreamMustClose when going on makes no sense;
        the session must not be used after that.
        """
        if text is None:
            self._malformed("binary")
            raise StreamMustClose(CLOSE_UNSUPPORTED, "Send text frames with JSON; binary frames are not understood.")
        # No character takes more than four bytes of UTF-8, so a short text needs no measuring.
        if len(text) > LARGEST_MESSAGE_BYTES // 4 and len(text.encode(errors="replace")) > LARGEST_MESSAGE_BYTES:
            self._malformed("too_big")
            raise StreamMustClose(CLOSE_TOO_BIG, f"A message may have at most {LARGEST_MESSAGE_BYTES} bytes.")
        try:
            message = decode(text)
            if type(message) is AudioData:
                return self._audio(message, arrived_s, wall)
            self._spend(METADATA_MS if type(message) is AudioMetadata else FRAME_MS, arrived_s)
            taken = self._rare(message, arrived_s, wall)
        except ProtocolError as error:
            self._spend(FRAME_MS, arrived_s)
            self._malformed(error.kind)
            return None
        self._malformed_in_a_row = 0
        return taken

    def _audio(self, audio: AudioData, arrived_s: float, wall: datetime) -> PcmFrame:
        facts = self.facts
        if not self._frame_bytes:
            self._malformed("audio_before_metadata")
            raise StreamMustClose(CLOSE_PROTOCOL_ERROR, "Audio came before AudioMetadata.")
        raw_id = audio.raw_id or MIXED
        pcm = audio.pcm
        at = audio.timestamp
        track = self._tracks.get(raw_id)
        if track is None:
            self._tracks[raw_id] = track = self._new_track(raw_id, at, arrived_s)
            facts.first_frame_at = facts.first_frame_at or wall
        else:
            missing_s = track.advance(at, arrived_s, len(self._tracks))
            if missing_s:
                facts.gaps += 1
                facts.lost_ms += missing_s * 1000
            facts.lag_ms = track.late_s * 1000
        if len(pcm) != self._frame_bytes:
            facts.wrong_size += 1
            track.set_frame(duration_ms(len(pcm), facts.sample_rate_hz) / 1000 or FRAME_S)
        elif track.frame_s != FRAME_S:
            track.set_frame(FRAME_S)
        self._credit_ms -= track.frame_s * 1000
        if self._credit_ms < 0:
            self._spend(0, arrived_s)
        facts.frames_received += 1
        if arrived_s - self._last_frame_s >= STALLED_S:
            self.stall_s = arrived_s - self._last_frame_s
        self._last_frame_s = arrived_s
        self._malformed_in_a_row = 0
        return PcmFrame(raw_id, pcm, facts.sample_rate_hz, audio.silent, at, arrived_s)

    def _spend(self, sound_ms: float, arrived_s: float) -> None:
        """Takes from the credit; what time has added to it is only reckoned up when it is used up."""
        self._credit_ms -= sound_ms
        if self._credit_ms >= 0:
            return
        speakers = min(max(1, len(self._tracks)), DOMINANT_SPEAKERS)
        earned_ms = (arrived_s - self._credited_s) * 1000 * MOST_HASTE * speakers
        self._credit_ms = min(self._credit_ms + earned_ms, BACKLOG_MS * speakers)
        self._credited_s = arrived_s
        if self._credit_ms < 0:
            raise StreamMustClose(CLOSE_FLOOD, f"The stream came faster than {MOST_HASTE} times real time.")

    def _new_track(self, raw_id: str, at: datetime | None, arrived_s: float) -> _Track:
        # A name is stored, shown and used as a key, so it is looked at once, when it is new.
        if len(raw_id) > LONGEST_NAME or not raw_id.isprintable():
            raise ProtocolError("bad_participant", "The participant's raw id is too long or not printable.")
        if len(self._tracks) >= MOST_PARTICIPANTS:
            raise ProtocolError(
                "too_many_participants", f"The stream names more than {MOST_PARTICIPANTS} participants."
            )
        if at is not None and at.year >= EARLIEST_YEAR:
            self.facts.first_timestamps[raw_id] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return _Track(at, arrived_s, FRAME_S)

    def _rare(self, message: Message, arrived_s: float, wall: datetime) -> DtmfPressed | Opened:
        if isinstance(message, AudioMetadata):
            return self._open(message)
        if isinstance(message, DtmfData):
            return DtmfPressed(message.tone, message.raw_id, wall, arrived_s)
        raise ProtocolError("unknown_kind", "The message is of a kind that is not known.")

    def _open(self, metadata: AudioMetadata) -> Opened:
        names = metadata.subscription_id + metadata.encoding
        if names and not names.isprintable():
            raise ProtocolError("wrong_type", "The metadata's texts are not printable.")
        if metadata.sample_rate_hz not in RATES_HZ:
            raise StreamMustClose(
                CLOSE_UNSUPPORTED, f"The rate is {metadata.sample_rate_hz} Hz; 16000 and 24000 Hz are understood."
            )
        if metadata.encoding.upper() != "PCM" or metadata.channels != 1:
            raise StreamMustClose(CLOSE_UNSUPPORTED, "Only 16-bit PCM with one channel is understood.")
        again = bool(self._frame_bytes)
        facts = self.facts
        facts.subscription_id = metadata.subscription_id
        facts.sample_rate_hz = metadata.sample_rate_hz
        facts.channels = metadata.channels
        facts.encoding = metadata.encoding
        facts.frame_length = metadata.length
        facts.rate_differs = self._expected_rate_hz not in (None, metadata.sample_rate_hz)
        self._frame_bytes = frame_bytes(metadata.sample_rate_hz)
        return Opened(metadata, again)

    def _malformed(self, kind: str) -> None:
        self.facts.malformed[kind] = self.facts.malformed.get(kind, 0) + 1
        self.facts.malformed_total += 1
        self._malformed_in_a_row += 1
        if self._malformed_in_a_row >= MALFORMED_IN_A_ROW:
            raise StreamMustClose(CLOSE_NONSENSE, f"{MALFORMED_IN_A_ROW} messages in a row made no sense.")
