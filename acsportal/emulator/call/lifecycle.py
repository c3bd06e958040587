"""One connection of the portal to a call: how far it has come, and what happens by itself, from ringing to ending."""

import asyncio
import base64
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from acsportal.emulator.call import arrival, results
from acsportal.emulator.call.incoming import context, tell_of_end, tell_of_ringing
from acsportal.emulator.call.invitations import Invitations
from acsportal.emulator.call.phones import Phones
from acsportal.emulator.call.room import Participant, Room
from acsportal.emulator.call.set_up import SetUp
from acsportal.emulator.call.sounds.hearing import Hearing, Sounding
from acsportal.emulator.call.sounds.holding import Holding
from acsportal.emulator.call.sounds.keys import Keypad
from acsportal.emulator.call.sounds.media_queue import MediaQueue
from acsportal.emulator.call.transcription import Transcription
from acsportal.emulator.call.voices import Voices
from acsportal.emulator.call.words import Words
from acsportal.emulator.callbacks import Callbacks, Leg, Result
from acsportal.emulator.eventgrid import EventGrid, NotSubscribedError
from acsportal.emulator.media.clock import CallClock
from acsportal.emulator.media.playout import Heard
from acsportal.emulator.media.stream import MediaStream, Order
from acsportal.emulator.media.tracks import Voice
from acsportal.emulator.network import Network, Tasks, log
from acsportal.emulator.scenario import MUTE, Scenario, Speaker

if TYPE_CHECKING:
    from acsportal.emulator.call.recording import Recording

PLAIN_RATE_HZ = 16000


@dataclass(slots=True, eq=False)
class Call:
    """``phase`` is finer than the ``state`` shown: ringing connecting connected disconnecting disconnected.

    ``direction`` is inbound, outbound, or connected for a connection that the portal made to somebody else's call.
    """

    network: Network
    grid: EventGrid
    scenario: Scenario
    caller: str
    callee: str
    ordinal: int
    direction: str = "inbound"
    targets: list[str] = field(default_factory=list)
    guest_voice: Voice = MUTE
    phones: Phones | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    phase: str = "ringing"
    set_up: SetUp | None = None
    leg: Leg | None = None
    callbacks: Callbacks | None = None
    media: MediaStream | None = None
    transcription: Transcription | None = None
    end: Result | None = None
    ringing_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    incoming_call_context: str = ""
    words: Words = field(default_factory=Words)
    recordings: list["Recording"] = field(default_factory=list)
    room: Room = field(init=False)
    dice: random.Random = field(init=False)
    tasks: Tasks = field(init=False)
    hearing: Hearing = field(default_factory=Hearing)
    voices: Voices = field(init=False)
    queue: MediaQueue = field(init=False)
    keypad: Keypad = field(init=False)
    holding: Holding = field(init=False)
    invitations: Invitations = field(init=False)
    _ringing: asyncio.Task[None] | None = None
    _sequence: int = 0
    _connected_s: float = 0.0
    _ended_s: float = 0.0

    def __post_init__(self) -> None:
        self.dice = self._dice("call")
        self.tasks = Tasks(f"call {self.id}")
        place = f"https://api.flightproxy.skype.com/api/v2/cp/conv-emulator.conv.skype.com/conv/{self.id}"
        server_call_id = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
        self.room = Room(server_call_id, str(uuid.uuid4()))
        self.incoming_call_context = context(self.correlation_id)
        self.voices, self.queue, self.keypad = Voices(self), MediaQueue(self), Keypad(self)
        self.holding, self.invitations = Holding(self), Invitations(self)

    @property
    def state(self) -> str:
        if self.phase in ("ringing", "connecting"):
            return "ringing"
        return "connected" if self.phase in ("connected", "disconnecting") else "ended"

    @property
    def is_over(self) -> bool:
        return self.phase in ("disconnecting", "disconnected")

    @property
    def server_call_id(self) -> str:
        return self.room.server_call_id

    @property
    def correlation_id(self) -> str:
        return self.room.correlation_id

    @property
    def participants(self) -> dict[str, Participant]:
        return self.room.people

    @property
    def own_raw_id(self) -> str:
        """The portal's own leg; empty before it has one."""
        return "" if self.set_up is None else self.set_up.own_raw_id

    @property
    def call_connection_id(self) -> str:
        return "" if self.leg is None else self.leg.call_connection_id

    @property
    def rate_hz(self) -> int:
        """Of what is played and heard: the stream's, if there is one."""
        return PLAIN_RATE_HZ if self.media is None else self.media.options.rate_hz

    def elapsed_s(self) -> float:
        """Call time: since the portal was connected, until it was not any more."""
        return 0.0 if self.connected_at is None else (self._ended_s or time.monotonic()) - self._connected_s

    def ring(self) -> None:
        """Tell the portal of the call, and wait no longer than callers do."""
        self._ringing = self.tasks.spawn("ring", self._ring())

    def answer(self, set_up: SetUp) -> None:
        self._take_up(set_up)
        self.tasks.spawn("connect", arrival.connect(self, self.scenario.speakers))

    def dial(self, set_up: SetUp) -> None:
        """Place the portal's call. Numbers that end in 0000 never answer, those in 0001 are busy."""
        self._take_up(set_up)
        self.tasks.spawn("dial", arrival.dial(self))

    def enter(self, set_up: SetUp, room: Room | None, address: str) -> None:
        """Join a conversation under way, or meet people in a room that nobody of the portal's is in yet."""
        if room is not None:
            self.room = room
        self._take_up(set_up)
        self.tasks.spawn("enter", arrival.enter(self, room is None, address))

    def turn_away(self, why: Result) -> None:
        """Rejected, redirected, given up or not answered: the call ends before it was taken."""
        self.phase, self.end, self.ended_at = "disconnected", why, datetime.now(UTC)
        if self._ringing is not None and self._ringing is not asyncio.current_task():
            self._ringing.cancel()
        if why is not results.UNDELIVERED:
            self.tasks.spawn("turn away", tell_of_end(self))

    def hang_up(self, by_portal: bool) -> None:
        """End the call for everybody, whatever it is doing; the portal learns how by the fitting last event."""
        if self.phase == "ringing":
            self.turn_away(results.GAVE_UP)
        elif self.phase == "connecting":
            failed = {"inbound": "AnswerFailed", "outbound": "CreateCallFailed", "connected": "ConnectFailed"}
            outbound = self.direction == "outbound"
            if by_portal:
                last = "CreateCallFailed" if outbound else "CallDisconnected"
                self.finish(last, results.CANCELED if outbound else results.BY_API)
            else:
                self.finish(failed[self.direction], results.BUSY if outbound else results.NOT_ANSWERED)
        elif self.phase == "connected":
            self.close_room(results.BY_API if by_portal else results.BY_PERSON)

    def leave(self) -> None:
        """The portal's own leg goes; two or more others talk on, and can be joined again by their server call id."""
        if self.phase == "connected" and len(self.room.humans) > 1:
            self._withdraw(results.BY_API)
        else:
            self.hang_up(by_portal=True)

    def remove(self, raw_id: str, last_words: Result = results.LAST_LEFT) -> None:
        """Somebody has to go; with the last other person the call ends. Raises KeyError."""
        for call in tuple(self.room.calls):
            if call.own_raw_id == raw_id:
                call._withdraw(results.REMOVED)
                return
        self.room.leave(raw_id)
        if not self.room.humans:
            self.close_room(last_words)

    def close_room(self, result: Result) -> None:
        self.room.is_over = True
        for call in tuple(self.room.calls):
            call.finish("CallDisconnected", result)

    async def say(self, raw_id: str, voice: Voice) -> None:
        """Put more speech over what that participant says, from now."""
        for call in tuple(self.room.calls):
            await call.voices.say(raw_id, voice)

    async def join(self, speaker: Speaker) -> Participant:
        """Somebody comes in and, if there is a voice, begins to talk."""
        return await self.room.join(speaker)

    def press(self, tones: str, raw_id: str | None = None) -> None:
        """Keys, one after the other, of that participant or of the first."""
        pressing = raw_id or next(iter(self.room.humans), None)
        if pressing is not None:
            self.keypad.press(pressing, tones)

    def sound(self, sounding: Sounding) -> Sounding:
        """Azure plays something to the people on the call."""
        return self.hearing.begin(sounding)

    def heard(self, raw_id: str | None = None) -> Heard:
        """What the caller or that participant heard, in call time, until now or the end. Raises ValueError."""
        if self.connected_at is None:
            raise ValueError("Nothing was heard: the call was not connected.")
        return self.hearing.mixed(raw_id or self._first_human(), self._streamed())

    def heard_by_everybody(self) -> Heard:
        """The portal's stream with what was played to all."""
        return self.hearing.mixed("", self._streamed())

    def tell(
        self,
        kind: str,
        order: Order,
        result: Result = results.COMPLETED,
        extra: dict[str, Any] | None = None,
        source: str | None = None,
    ) -> None:
        """An event of an operation, to the operation's own address if it named one."""
        self.told().send(kind, extra, result=result, context=order.context, url=order.url, source=source)

    def tell_participants(self) -> None:
        """All of them, the portal's own leg included; the number rises with gaps (sheet 5.2)."""
        self._sequence += self.dice.randint(1, 3) if self._sequence else 1
        everybody = [participant.body() for participant in self.room.people.values()]
        self.told().send("ParticipantsUpdated", {"participants": everybody, "sequenceNumber": self._sequence})

    def establish(self, newcomers: tuple[Speaker, ...]) -> None:
        """The portal is connected from this moment, and ``newcomers`` with it."""
        self.phase, self.connected_at, self._connected_s = "connected", datetime.now(UTC), time.monotonic()
        if self.room.began_s is None:
            self.room.began_s = self._connected_s
        self.room.calls.append(self)
        self.room.enter(Participant(self.own_raw_id, "Portal"))
        for speaker in newcomers:
            self.room.enter(Participant(speaker.raw_id, speaker.name, speaker=speaker))
        self.voices.settle()
        if self.media is not None:
            self.media.clock = CallClock(self._connected_s)
            if self.media.options.start:
                self.media.start(Order(initial=True))
        if self.transcription is not None:
            self.transcription.begin()

    def told(self) -> Callbacks:
        """Where the portal hears of this connection."""
        if self.callbacks is None:
            raise RuntimeError("the portal has not taken up this call")
        return self.callbacks

    def finish(self, last_event: str, result: Result) -> None:
        """The end of this connection, with its last event."""
        if self.is_over or self.callbacks is None:
            return
        self.queue.cancel_all()
        self.invitations.close()
        for recording in self.recordings:
            if not recording.end_reason:
                recording.stop("CallEnded")
        self.phase, self.end, self._ended_s = "disconnecting", result, time.monotonic()
        if self in self.room.calls:
            self.room.calls.remove(self)
        self.tasks.spawn("end", self._end(last_event, result))

    async def shut_down(self) -> None:
        await self.tasks.cancel()
        if self.media is not None:
            await self.media.end()
        if self.transcription is not None:
            await self.transcription.end()
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
        if set_up.streaming is not None:
            self.media = MediaStream(
                self.network, self.id, self.leg, set_up.streaming, self.callbacks, self._dice("media")
            )
        if set_up.transcription is not None:
            self.transcription = Transcription(self, set_up.transcription)

    async def _ring(self) -> None:
        try:
            await self.grid.subscribe()
        except NotSubscribedError as error:
            log.warning("call %s: %s", self.id, error)
            self.turn_away(results.UNDELIVERED)
            return
        self.ringing_at = datetime.now(UTC)
        self.tasks.spawn("incoming", tell_of_ringing(self))
        ring_s = self.network.timing.ring_s
        gives_up_s = self.scenario.gives_up_s
        await asyncio.sleep(ring_s if gives_up_s is None else min(ring_s, gives_up_s))
        if self.phase == "ringing":
            self.turn_away(results.NOT_ANSWERED if gives_up_s is None else results.GAVE_UP)

    def _withdraw(self, result: Result) -> None:
        """This connection ends, the conversation goes on."""
        self.room.people.pop(self.own_raw_id, None)
        self.finish("CallDisconnected", result)
        self.room.tell()

    async def _end(self, last_event: str, result: Result) -> None:
        has_context = self.set_up is not None and last_event.endswith("Failed")
        operation_context = self.set_up.operation_context if self.set_up is not None and has_context else None
        if self.media is not None:
            await self.media.end()
        if self.transcription is not None:
            await self.transcription.end()
        await asyncio.sleep(self.dice.uniform(*self.network.timing.disconnect_s))
        self.phase, self.ended_at = "disconnected", datetime.now(UTC)
        await self.told().finish(last_event, result, operation_context)

    def _first_human(self) -> str:
        return next(iter(self.room.humans), self.caller)

    def _streamed(self) -> Heard:
        if self.media is not None:
            return self.media.playout.heard(self.elapsed_s())
        return Heard(PLAIN_RATE_HZ, round(self.elapsed_s() * PLAIN_RATE_HZ), ())
