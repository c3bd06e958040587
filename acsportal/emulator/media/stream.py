"""Azure's end of the media socket: dials the portal, speaks every 20 ms, listens, and dials again once if it breaks."""

import asyncio
import random
import socket
import struct
import time
import uuid
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import ClientError, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from acsportal.emulator.callbacks import Callbacks, Leg, Result
from acsportal.emulator.faults import Fault
from acsportal.emulator.faults.catalogue import OF_SOCKETS
from acsportal.emulator.identity import SOCKET_TOKEN_S
from acsportal.emulator.media import wire
from acsportal.emulator.media.clock import FRAME_MS, CallClock
from acsportal.emulator.media.mixer import Mixer
from acsportal.emulator.media.playout import Playout
from acsportal.emulator.media.round_trips import PING_EACH_S, RoundTrips
from acsportal.emulator.media.troubles import Troubles
from acsportal.emulator.network import Network, Tasks, log

COMPLETED = "Action completed successfully."
NOT_CONNECTED = Result(500, 8603, "Action failed, not able to establish websocket connection.")
NO_SUCH_URL = Result(400, 8581, "Action failed, Transport url is not valid or web socket server is not operational.")
HEALTHY_S = 5.0


@dataclass(frozen=True, slots=True)
class StreamingOptions:
    """``mediaStreamingOptions`` of the REST body that set up the call."""

    transport_url: str
    unmixed: bool
    rate_hz: int
    bidirectional: bool
    dtmf: bool
    start: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Who asked for streaming, and where the answer goes; ``initial`` when the call's set-up did."""

    context: str | None = None
    url: str | None = None
    initial: bool = False


class MediaStream:
    """One call's media-streaming subscription; sockets come and go under it."""

    def __init__(
        self,
        network: Network,
        call_id: str,
        leg: Leg,
        options: StreamingOptions,
        callbacks: Callbacks,
        dice: random.Random,
    ) -> None:
        self.options = options
        self.subscription_id = str(uuid.uuid4())
        self.state = "off"
        self.mixer = Mixer(options.rate_hz, options.unmixed)
        self.playout = Playout(options.rate_hz)
        self.frames_sent = self.frames_received = self.socket_connects = self.ignored = 0
        self._network, self._call_id, self._leg = network, call_id, leg
        self._callbacks, self._dice = callbacks, dice
        self._tasks = Tasks(f"call {call_id} media")
        self._clock: CallClock | None = None
        self._socket: ClientWebSocketResponse | None = None
        self._run_task: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._dead_s = 0.0
        self._failure = NOT_CONNECTED
        self._troubles = Troubles(dice)
        self.round_trips = RoundTrips(random.Random(self.subscription_id).uniform(0, PING_EACH_S))
        self._forget_faults = network.faults.listen(self._fault_armed)

    @property
    def is_active(self) -> bool:
        return self.state in ("starting", "streaming")

    @property
    def clock(self) -> CallClock:
        """Call time; set when the call connects, before the first ``start``."""
        if self._clock is None:
            raise RuntimeError("the call is not connected")
        return self._clock

    @clock.setter
    def clock(self, clock: CallClock) -> None:
        self._clock = clock

    def start(self, order: Order) -> None:
        self.state = "starting"
        self._run_task = self._tasks.spawn("run", self._run(order))

    def stop(self, order: Order) -> None:
        """Close the socket, then say MediaStreamingStopped."""
        self.state = "stopping"
        self._tasks.spawn("stop", self._stop(order))

    def press(self, tones: str) -> None:
        """Keys, one after the other; the portal hears of them only if it asked for them."""
        if self.options.dtmf and self.state == "streaming":
            self._tasks.spawn("tones", self._press(tones))

    async def end(self) -> None:
        """The call is over: the socket closes normally, nothing is announced."""
        self._forget_faults()
        self.state = "stopping"
        await self._hang_up()
        await self._tasks.cancel()
        self.state = "off"

    def elapsed_s(self, at_s: float) -> float:
        """Call time at that monotonic time; 0 before the call connected."""
        return 0.0 if self._clock is None else self._clock.elapsed_s(at_s)

    async def _run(self, order: Order) -> None:
        timing = self._network.timing
        await asyncio.sleep(self._dice.uniform(*(timing.socket_s if order.initial else timing.streaming_s)))
        unreachable = "initialWebSocketConnectionFailed" if order.initial else "streamConnectionUnsuccessful"
        details = "subscriptionStarted"
        while await self._open():
            if self.state != "starting":
                return
            self.state = "streaming"
            opened_s = time.monotonic()
            self._tasks.spawn("announce", self._announce(details, order))
            await self._converse()
            if self.state != "streaming":
                return
            # What Azure does when the socket breaks is undocumented; that it dials once more after a second is this
            # emulator's own choice, and so is giving up on a socket that breaks again within seconds.
            self.state = "starting"
            unreachable, is_second = "streamConnectionInterrupted", details == "streamConnectionReestablished"
            if is_second and time.monotonic() - opened_s < HEALTHY_S:
                break
            details = "streamConnectionReestablished"
            await asyncio.sleep(timing.reconnect_s)
        if self.state == "starting":
            self.state = "failed"
            self._say("Failed", unreachable, order, self._failure)

    async def _announce(self, details: str, order: Order) -> None:
        await asyncio.sleep(self._dice.uniform(*self._network.timing.streaming_s))
        if self.state == "streaming":
            self._say("Started", details, order, Result(message=COMPLETED))

    def _say(self, what: str, details: str, order: Order, result: Result) -> None:
        update = {
            "contentType": "Audio",
            "mediaStreamingStatus": f"mediaStreaming{what}",
            "mediaStreamingStatusDetails": details,
        }
        self._callbacks.send(
            f"MediaStreaming{what}",
            {"mediaStreamingUpdate": update},
            result=result,
            context=order.context,
            url=order.url,
        )

    @property
    def frames_lost(self) -> int:
        """Those that a fault kept from the portal."""
        return self._troubles.frames_lost

    async def _open(self) -> bool:
        self._failure = NOT_CONNECTED
        if refused := self._network.faults.take("stream_refused", self._call_id):
            self._failure = NO_SUCH_URL if refused.options["subcode"] == "8581" else NOT_CONNECTED
            return False
        headers = {
            **self._network.authorization(self._call_id, "socket", SOCKET_TOKEN_S),
            "x-ms-call-connection-id": self._leg.call_connection_id,
            "x-ms-call-correlation-id": self._leg.correlation_id,
        }
        timing = self._network.timing
        try:
            async with asyncio.timeout(timing.socket_timeout_s):
                self._socket = await self._network.http.ws_connect(
                    self.options.transport_url,
                    headers=headers,
                    timeout=ClientWSTimeout(ws_close=1.0),
                    autoping=False,  # which would keep the pongs to itself
                )
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("call %s: the media socket cannot be opened: %s", self._call_id, type(error).__name__)
            return False
        self.socket_connects += 1
        return True

    async def _converse(self) -> None:
        media_socket = self._socket
        if media_socket is None:
            return
        self._dead_s = 0.0
        self._troubles.end()
        for name in OF_SOCKETS:
            if fault := self._network.faults.take(name, self._call_id):
                self._suffer(fault)
        sender = self._tasks.spawn("send", _unless_closed(self._send(media_socket)))
        pinger = self._tasks.spawn("ping", _unless_closed(self.round_trips.ping(media_socket)))
        self._listening = self._tasks.spawn("listen", self._listen(media_socket))
        if self._dead_s:
            self._listening.cancel()
        try:
            await asyncio.wait([self._listening])
            pinger.cancel()
            if self._dead_s:
                sender.cancel()
                await asyncio.sleep(self._dead_s)
                break_connection(media_socket)
        finally:
            sender.cancel()
            pinger.cancel()
            self._listening.cancel()
            self._socket = None

    async def _listen(self, media_socket: ClientWebSocketResponse) -> None:
        async for message in media_socket:
            if message.type is WSMsgType.TEXT:
                self._receive(message.data)
            elif message.type is WSMsgType.PING:
                await _unless_closed(media_socket.pong(message.data))
            elif message.type is WSMsgType.PONG:
                self.round_trips.take(message.data)

    async def _send(self, media_socket: ClientWebSocketResponse) -> None:
        rate_hz, clock = self.options.rate_hz, self.clock
        length = 2 * rate_hz * FRAME_MS // 1000
        opening = wire.metadata(self.subscription_id, rate_hz, self._troubles.named_length(length))
        await media_socket.send_frame(opening, WSMsgType.TEXT)
        tick = clock.next_tick(time.monotonic())
        while True:
            now_s = time.monotonic()
            wait_s = clock.due_s(tick) + self._troubles.delay_s(now_s) - now_s
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            stamp = clock.stamp(tick)
            for message in self._troubles.between():
                await media_socket.send_frame(message, WSMsgType.TEXT)
            for frame in self.mixer.frames(tick):
                content = self._troubles.message(frame, stamp, now_s)
                if content is not None:
                    await media_socket.send_frame(content, WSMsgType.TEXT)
                    self.frames_sent += 1
            tick += 1

    def _receive(self, text: str) -> None:
        try:
            message = wire.read(text)
        except wire.GarbageError:
            self.ignored += 1
            return
        if isinstance(message, wire.Audio):
            self.frames_received += 1
        if not self.options.bidirectional:
            # Without enableBidirectional the audio has no effect, and no error says so (sheet, pitfall 1).
            return
        now_s = self.elapsed_s(time.monotonic())
        if isinstance(message, wire.Audio):
            self.playout.push(message.pcm, now_s)
        else:
            self.playout.stop(now_s)

    async def _press(self, tones: str) -> None:
        for tone in tones:
            if (media_socket := self._socket) is not None:
                await _unless_closed(media_socket.send_frame(wire.dtmf(tone), WSMsgType.TEXT))
            await asyncio.sleep(self._network.timing.tone_s)

    async def _stop(self, order: Order) -> None:
        await asyncio.sleep(self._dice.uniform(*self._network.timing.streaming_s))
        await self._hang_up()
        if self.state == "stopping":
            self.state = "off"
            self._say("Stopped", "subscriptionStopped", order, Result(message=COMPLETED))

    async def _hang_up(self) -> None:
        """Close normally (1000, of Azure unknown), drop what is queued, and dial no more."""
        media_socket, self._socket = self._socket, None
        if media_socket is not None and self._dead_s:
            break_connection(media_socket)
        elif media_socket is not None:
            await media_socket.close(code=1000)
        if self._run_task is not None:
            self._run_task.cancel()
        self.playout.advance(self.elapsed_s(time.monotonic()))
        self.playout.clear()

    def _fault_armed(self, fault: Fault) -> None:
        is_late = fault.options.get("of") == "metadata"  # which is said when the socket opens
        if fault.name in OF_SOCKETS and self._socket is not None and not is_late and fault.fits(self._call_id):
            taken = self._network.faults.take(fault.name, self._call_id)
            if taken is not None:
                self._suffer(taken)

    def _suffer(self, fault: Fault) -> None:
        if after_s := fault.number("after_s"):
            self._tasks.spawn(fault.name, self._suffer_later(fault, after_s))
        elif fault.name == "drop_socket":
            if self._socket is not None:
                break_connection(self._socket)
        elif fault.name == "half_open_socket":
            self._dead_s = fault.number("duration_s")
            if self._listening is not None:
                self._listening.cancel()
        else:
            self._troubles.begin(fault, time.monotonic())

    async def _suffer_later(self, fault: Fault, after_s: float) -> None:
        socket_then = self._socket
        await asyncio.sleep(after_s)
        if self._socket is socket_then:
            fault.options["after_s"] = 0.0
            self._suffer(fault)


def break_connection(media_socket: ClientWebSocketResponse) -> None:
    """Break the connection under the socket: the portal sees no close frame, that is 1006."""
    connection = media_socket.get_extra_info("socket")
    if connection is not None and connection.fileno() != -1:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


async def _unless_closed(sending: Awaitable[None]) -> None:
    with suppress(ClientError, ConnectionError):
        await sending
