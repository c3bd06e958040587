"""The door of the phone page: words as JSON, sound as binary PCM16, both ways over one WebSocket.

The page begins with ``hello`` and says verbs: ``number dial answer decline press mute hang_up``. It is told ``phone``
(its id and number), ``rings`` and ``rest``, ``call`` (four times a second and at each change) and ``refused`` with a
sentence. Binary messages are mono PCM16 at the call's rate: to us what the person says, from us what they hear.
"""

import asyncio
import json
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.call import raw_id_of
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.media.playout import Heard
from acsportal.emulator.media.tracks import Voice, render
from acsportal.emulator.phone.handset import GRACE_S, Handset

HELLO_S = 10.0
MOST_BYTES = 64 * 1024
PING_S = 10.0
SAMPLE_RATE_HZ = 16000
PAUSE_S = 0.8

Words = dict[str, Any]


class PhoneDoor:
    """All phones that are open, by the id that a page which lost its socket comes back with."""

    def __init__(self, exchange: Exchange, grace_s: float = GRACE_S) -> None:
        self._exchange = exchange
        self._grace_s = grace_s
        self._handsets: dict[str, Handset] = {}
        self._sockets: set[web.WebSocketResponse] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/emulator/phone", self.open), web.get("/emulator/phone/voice.wav", self.voice)]

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=MOST_BYTES, compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            if (handset := await self._greet(socket)) is not None:
                await self._serve(socket, handset)
        finally:
            self._sockets.discard(socket)
        return socket

    async def voice(self, request: web.Request) -> web.Response:
        """Somebody who talks, for a person without a microphone: the caller of the support scenario, as WAV."""
        content = await asyncio.to_thread(_sample)
        return web.Response(body=content, content_type="audio/wav", headers={"Cache-Control": "max-age=3600"})

    async def shut_down(self, _: web.Application) -> None:
        for socket in tuple(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the emulator ends")
        await asyncio.gather(*(handset.shut_down() for handset in self._handsets.values()))

    async def _greet(self, socket: web.WebSocketResponse) -> Handset | None:
        """The phone that the page has from now; None, with the socket closed, for what begins with no hello."""
        try:
            hello = _words(await socket.receive_str(timeout=HELLO_S))
            if hello.get("verb") != "hello":
                raise ValueError("The first message must be a hello.")
            return self._handset(hello)
        except (TypeError, ValueError, TimeoutError) as error:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(error).encode()[:120])
            return None

    def _handset(self, hello: Words) -> Handset:
        known = self._handsets.get(str(hello.get("phone")))
        if known is not None and not known.is_held:
            return known
        number = hello.get("number") or self._exchange.phones.free_number()
        handset = Handset(self._exchange, raw_id_of(str(number)), self._forget, self._grace_s)
        self._handsets[handset.id] = handset
        self._exchange.phones.enter(handset)
        return handset

    def _forget(self, handset: Handset) -> None:
        self._handsets.pop(handset.id, None)
        self._exchange.phones.leave(handset)

    async def _serve(self, socket: web.WebSocketResponse, handset: Handset) -> None:
        handset.hold()
        sender = asyncio.create_task(_send(socket, handset), name=f"phone {handset.id} send")
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    handset.say(message.data)
                elif message.type is WSMsgType.TEXT:
                    _obey(handset, message.data)
        finally:
            sender.cancel()
            handset.let_go()


async def _send(socket: web.WebSocketResponse, handset: Handset) -> None:
    while not socket.closed:
        message = await handset.outbox.next()
        try:
            if isinstance(message, bytes):
                await socket.send_bytes(message)
            else:
                await socket.send_json(message)
        except ConnectionError:
            return


def _obey(handset: Handset, text: str) -> None:
    verb = ""
    try:
        words = _words(text)
        verb = str(words.get("verb", ""))
        match verb:
            case "number":
                handset.renumber(_text(words, "number"))
            case "dial":
                handset.dial(_text(words, "callee"))
            case "press":
                handset.press(_text(words, "tones").upper())
            case "mute":
                handset.mute(words.get("muted") is True)
            case "answer":
                handset.answer()
            case "decline":
                handset.decline()
            case "hang_up":
                handset.hang_up()
            case _:
                raise ValueError(f"A phone has no verb “{verb[:40]}”.")
    except ValueError as error:
        handset.outbox.put({"kind": "refused", "verb": verb[:40], "message": str(error)})


def _words(text: str) -> Words:
    words = json.loads(text)
    if not isinstance(words, dict):
        raise ValueError("A message must be a JSON object or sound.")
    return words


def _text(words: Words, name: str) -> str:
    value = words.get(name)
    if not isinstance(value, str):
        raise ValueError(f"“{name}” must be a text.")
    return value


def _sample() -> bytes:
    """What that caller says, without the pauses in which the other one talks."""
    at_s, sounds = 0.0, []
    for _, sound in scenarios.load("support").speakers[0].voice.sounds:
        sounds.append((at_s, sound))
        at_s += sound.duration_s + PAUSE_S
    pcm = render((Voice(tuple(sounds), at_s),), SAMPLE_RATE_HZ).pcm
    return Heard(SAMPLE_RATE_HZ, pcm.size, ((0, pcm.tobytes()),)).wav()
