"""One call: who is on it, how far it has come, and what happens by itself: ringing, connecting, giving up, ending."""

import asyncio
import base64
import gzip
import json
import random
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.callbacks import Callbacks, Leg, Result
from acsportal.emulator.eventgrid import EventGrid, NotSubscribedError
from acsportal.emulator.media.clock import CallClock
from acsportal.emulator.media.playout import Heard
from acsportal.emulator.media.stream import MediaStream, Order, StreamingOptions
from acsportal.emulator.media.tracks import Voice, render
from acsportal.emulator.network import Network, Tasks, log
from acsportal.emulator.scenario import Scenario, Speaker

BY_API = Result(
    200, 7000, "Call was ended by Azure Communication Service Call Automation API or a server bot. DiagCode: 0#7000.@"
)
BY_PERSON = Result(200, 0, "The conversation has ended. DiagCode: 0#0.@")
GAVE_UP = Result(487, 0, "The caller hung up before the call was answered. DiagCode: 487#0.@")
NOT_ANSWERED = Result(487, 10004, "The call was canceled as it was not answered in time. DiagCode: 487#10004.@")
REJECTED = Result(487, 10024, "The call was declined by the callee. DiagCode: 487#10024.@")
REDIRECTED = Result(487, 10003, "The call was answered elsewhere: it was redirected. DiagCode: 487#10003.@")
UNDELIVERED = Result(480, 10078, "The portal's event door did not take the subscription. DiagCode: 480#10078.@")
CANCELED = Result(487, 540487, "The call was canceled by the originator. DiagCode: 487#540487.@")
NO_ANSWER = Result(480, 560480, "The callee did not answer. DiagCode: 480#560480.@")
BUSY = Result(403, 560403, "The callee rejected the call. DiagCode: 403#560403.@")

RAW_ID = re.compile(r"[0-9]+:[A-Za-z0-9+:_.@\-]+")
NUMBER = re.compile(r"\+[0-9]{3,15}")


def raw_id_of(text: str) -> str:
    """``+1425…`` becomes ``4:+1425…``; a raw id stays itself. Raises ValueError."""
    if NUMBER.fullmatch(text):
        return f"4:{text}"
    if RAW_ID.fullmatch(text):
        return text
    raise ValueError(f"“{text}” is neither a number such as +14255550123 nor a raw id such as 8:acs:….")


def identifier(raw_id: str) -> dict[str, Any]:
    """Azure's identifier object; the sub-object is what SDKs decide by (sheet 6.4)."""
    if raw_id.startswith("4:+"):
        return {"rawId": raw_id, "kind": "phoneNumber", "phoneNumber": {"value": raw_id[2:]}}
    if raw_id.startswith("8:acs:"):
        return {"rawId": raw_id, "kind": "communicationUser", "communicationUser": {"id": raw_id}}
    if raw_id.startswith("8:orgid:"):
        return {"rawId": raw_id, "kind": "microsoftTeamsUser", "microsoftTeamsUser": {"userId": raw_id[8:]}}
    return {"rawId": raw_id, "kind": "unknown"}


@dataclass(slots=True)
class Participant:
    raw_id: str
    name: str
    is_muted: bool = False
    is_on_hold: bool = False

    def body(self) -> dict[str, Any]:
        return {"identifier": identifier(self.raw_id), "isMuted": self.is_muted, "isOnHold": self.is_on_hold}


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the portal said when it answered or placed the call."""

    callback_url: str
    operation_context: str | None
    api_version: str
    streaming: StreamingOptions | None
    own_raw_id: str


@dataclass(slots=True)
class Call:
    """``phase`` is finer than the ``state`` shown: ringing connecting connected disconnecting disconnected."""

    network: Network
    grid: EventGrid
    scenario: Scenario
    caller: str
    callee: str
    ordinal: int
    direction: str = "inbound"
    targets: list[str] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    correlation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    phase: str = "ringing"
    participants: dict[str, Participant] = field(default_factory=dict)
    set_up: SetUp | None = None
    leg: Leg | None = None
    callbacks: Callbacks | None = None
    media: MediaStream | None = None
    end: Result | None = None
    ringing_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    server_call_id: str = ""
    incoming_call_context: str = ""
    dice: random.Random = field(init=False)
    tasks: Tasks = field(init=False)
    _ringing: asyncio.Task[None] | None = None
    _sequence: int = 0
    _connected_s: float = 0.0
    _ended_s: float = 0.0

    def __post_init__(self) -> None:
        self.dice = self._dice("call")
        self.tasks = Tasks(f"call {self.id}")
        place = f"https://api.flightproxy.skype.com/api/v2/cp/conv-emulator.conv.skype.com/conv/{self.id}"
        self.server_call_id = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
        self.incoming_call_context = _context(self.correlation_id)

    @property
    def state(self) -> str:
        if self.phase in ("ringing", "connecting"):
            return "ringing"
        return "connected" if self.phase in ("connected", "disconnecting") else "ended"

    @property
    def is_over(self) -> bool:
        return self.phase in ("disconnecting", "disconnected")

    def ring(self) -> None:
        """Tell the portal of the call, and wait no longer than callers do."""
        self._ringing = self.tasks.spawn("ring", self._ring())

    def answer(self, set_up: SetUp) -> None:
        self._take_up(set_up)
        self.tasks.spawn("connect", self._connect(self.scenario.speakers))

    def dial(self, set_up: SetUp) -> None:
        """Place the portal's call. Numbers that end in 0000 never answer, those in 0001 are busy."""
        self._take_up(set_up)
        self.tasks.spawn("dial", self._dial(self.targets))

    def turn_away(self, why: Result) -> None:
        """Rejected, redirected, given up or not answered: the call ends before it was taken."""
        self.phase, self.end, self.ended_at = "disconnected", why, datetime.now(UTC)
        if self._ringing is not None and self._ringing is not asyncio.current_task():
            self._ringing.cancel()
        if why is not UNDELIVERED:
            self.tasks.spawn("turn away", self._tell_grid_of_end())

    def hang_up(self, by_portal: bool) -> None:
        """End the call whatever it is doing; the portal learns how by the fitting last event."""
        if self.phase == "ringing":
            self.turn_away(GAVE_UP)
        elif self.phase == "connecting":
            outbound = self.direction == "outbound"
            if by_portal:
                self._finish("CreateCallFailed" if outbound else "CallDisconnected", CANCELED if outbound else BY_API)
            else:
                self._finish(*(("CreateCallFailed", BUSY) if outbound else ("AnswerFailed", NOT_ANSWERED)))
        elif self.phase == "connected":
            self._finish("CallDisconnected", BY_API if by_portal else BY_PERSON)

    async def say(self, raw_id: str, voice: Voice) -> None:
        """Put more speech over what that participant says, from now."""
        if self.media is not None and self.phase == "connected":
            track = await asyncio.to_thread(render, (voice,), self.media.options.rate_hz)
            self.media.mixer.add(raw_id, track, self.media.clock.next_tick(time.monotonic()))

    async def join(self, speaker: Speaker) -> Participant:
        """Somebody comes in and, if there is a voice, begins to talk."""
        participant = self._add(speaker)
        self._tell_participants()
        if speaker.voice.sounds:
            await self.say(speaker.raw_id, speaker.voice)
        return participant

    def heard(self) -> Heard:
        """What the caller heard of the portal, in call time, until now or the end. Raises ValueError."""
        if self.media is None or self.connected_at is None:
            raise ValueError("Nothing was heard: the call was not connected, or set up without media streaming.")
        return self.media.playout.heard(self.media.elapsed_s(self._ended_s or time.monotonic()))

    async def shut_down(self) -> None:
        await self.tasks.cancel()
        if self.media is not None:
            await self.media.end()
        if self.callbacks is not None:
            await self.callbacks.cancel()

    def _dice(self, whose: str) -> random.Random:
        """Chance of its own for each that runs by itself, so that none changes what another draws."""
        return random.Random(f"{self.network.seed}/{self.ordinal}/{whose}")

    def _take_up(self, set_up: SetUp) -> None:
        self.phase, self.set_up = "connecting", set_up
        if self._ringing is not None:
            self._ringing.cancel()
        self.leg = Leg(
            set_up.callback_url,
            set_up.operation_context,
            set_up.api_version,
            self.server_call_id,
            self.correlation_id,
        )
        self.callbacks = Callbacks(self.network, self.leg, self.id, self._dice("callbacks"))
        self.participants[set_up.own_raw_id] = Participant(set_up.own_raw_id, "Portal")
        if set_up.streaming is not None:
            self.media = MediaStream(
                self.network, self.id, self.leg, set_up.streaming, self.callbacks, self._dice("media")
            )

    async def _ring(self) -> None:
        try:
            await self.grid.subscribe()
        except NotSubscribedError as error:
            log.warning("call %s: %s", self.id, error)
            self.turn_away(UNDELIVERED)
            return
        self.ringing_at = datetime.now(UTC)
        subject = f"/caller/{self.caller}/recipient/{self.callee}"
        incoming = {
            "to": identifier(self.callee),
            "from": identifier(self.caller),
            "serverCallId": self.server_call_id,
            "callerDisplayName": "" if self.caller.startswith("4:") else self.scenario.speakers[0].name,
            "incomingCallContext": self.incoming_call_context,
            "correlationId": self.correlation_id,
        }
        self.tasks.spawn("incoming", self.grid.deliver("Microsoft.Communication.IncomingCall", subject, incoming))
        ring_s = self.network.timing.ring_s
        gives_up_s = self.scenario.gives_up_s
        await asyncio.sleep(ring_s if gives_up_s is None else min(ring_s, gives_up_s))
        if self.phase == "ringing":
            self.turn_away(NOT_ANSWERED if gives_up_s is None else GAVE_UP)

    async def _tell_grid_of_end(self) -> None:
        """Event Grid reports the end only for callers who are ACS users; phone callers vanish without a word (4.4)."""
        if not self.caller.startswith("8:acs:"):
            return
        content = {
            "startedBy": {"communicationIdentifier": identifier(self.caller), "role": "{NotSpecified}"},
            "serverCallId": self.server_call_id,
            "group": {"id": self.id},
            "isTwoParty": True,
            "correlationId": self.correlation_id,
            "isRoomsCall": False,
            "durationOfCall": (datetime.now(UTC) - self.ringing_at).total_seconds(),
        }
        await self.grid.deliver("Microsoft.Communication.CallEnded", f"call/{self.server_call_id}", content)

    async def _dial(self, targets: list[str]) -> None:
        timing = self.network.timing
        answering = [target for target in targets if not target.endswith(("0000", "0001"))]
        if not answering:
            is_busy = all(target.endswith("0001") for target in targets)
            await asyncio.sleep(self.dice.uniform(*timing.callee_answers_s) if is_busy else timing.ring_s)
            self._finish("CreateCallFailed", BUSY if is_busy else NO_ANSWER)
            return
        await asyncio.sleep(self.dice.uniform(*timing.callee_answers_s))
        first, *later = answering
        star = self.scenario.starring(first).speakers
        await self._connect(star)
        for target in later:
            await asyncio.sleep(self.dice.uniform(*timing.connect_s))
            if self.phase != "connected":
                return
            await self.join(Speaker(target, target.partition(":")[2]))

    async def _connect(self, speakers: tuple[Speaker, ...]) -> None:
        timing, callbacks = self.network.timing, self._callbacks()
        started_s = time.monotonic()
        if self.media is not None:
            await self._load_sound(self.media, speakers)
        spent_s = time.monotonic() - started_s
        await asyncio.sleep(max(0.0, self.dice.uniform(*timing.connect_s) - spent_s))
        if self.phase != "connecting" or self.set_up is None:
            return
        self.phase, self.connected_at, self._connected_s = "connected", datetime.now(UTC), time.monotonic()
        for speaker in speakers:
            self._add(speaker)
        if self.media is not None:
            self.media.clock = CallClock(self._connected_s)
            if self.media.options.start:
                self.media.start(Order(initial=True))
        # Either of the two comes first (recordings, sheet section 0), and the media socket may be there before both.
        first, second = self.dice.sample(("CallConnected", "ParticipantsUpdated"), 2)
        await asyncio.sleep(self.dice.uniform(0, timing.spread_s))
        for number, kind in enumerate((first, second)):
            if number:
                await asyncio.sleep(self.dice.uniform(0, timing.spread_s))
            if kind == "CallConnected":
                callbacks.send(kind, context=self.set_up.operation_context)
            else:
                self._tell_participants()

    async def _load_sound(self, media: MediaStream, speakers: tuple[Speaker, ...]) -> None:
        rate_hz = media.options.rate_hz
        if media.options.unmixed:
            for speaker in speakers:
                media.mixer.join(speaker.raw_id)
                if speaker.voice.duration_s:
                    track = await asyncio.to_thread(scenarios.track, self.scenario, (speaker.voice,), rate_hz)
                    media.mixer.add(speaker.raw_id, track, 0)
        elif voices := tuple(speaker.voice for speaker in speakers if speaker.voice.duration_s):
            media.mixer.add(None, await asyncio.to_thread(scenarios.track, self.scenario, voices, rate_hz), 0)

    def _add(self, speaker: Speaker) -> Participant:
        participant = self.participants[speaker.raw_id] = Participant(speaker.raw_id, speaker.name)
        if self.media is not None:
            self.media.mixer.join(speaker.raw_id)
        return participant

    def _tell_participants(self) -> None:
        """All of them, the portal's own leg included; the number rises with gaps (sheet 5.2)."""
        self._sequence += self.dice.randint(1, 3) if self._sequence else 1
        everybody = [participant.body() for participant in self.participants.values()]
        self._callbacks().send("ParticipantsUpdated", {"participants": everybody, "sequenceNumber": self._sequence})

    def _finish(self, last_event: str, result: Result) -> None:
        self.phase, self.end, self._ended_s = "disconnecting", result, time.monotonic()
        self.tasks.spawn("end", self._end(last_event, result))

    async def _end(self, last_event: str, result: Result) -> None:
        has_context = self.set_up is not None and last_event.endswith("Failed")
        context = self.set_up.operation_context if self.set_up is not None and has_context else None
        if self.media is not None:
            await self.media.end()
        await asyncio.sleep(self.dice.uniform(*self.network.timing.disconnect_s))
        self.phase, self.ended_at = "disconnected", datetime.now(UTC)
        await self._callbacks().finish(last_event, result, context)

    def _callbacks(self) -> Callbacks:
        if self.callbacks is None:
            raise RuntimeError("the portal has not taken up this call")
        return self.callbacks


def _context(correlation_id: str) -> str:
    """Shaped like Azure's: an unsigned JWT of some kilobytes, opaque to whoever gets it (sheet 4.3)."""
    noise = base64.b64encode(gzip.compress(secrets.token_bytes(2400))).decode()
    payload = json.dumps({"cc": noise, "correlationId": correlation_id})
    return ".".join((_base64url('{"alg":"none","typ":"JWT"}'), _base64url(payload), ""))


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
