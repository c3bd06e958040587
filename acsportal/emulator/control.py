"""The control face: ring the portal, act as the people on the call, see and hear what became of it."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import BodyPartReader, web

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.call import Call, Participant, identifier, raw_id_of
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.media.stream import MediaStream
from acsportal.emulator.media.tracks import Sound, Voice, decode
from acsportal.emulator.scenario import Scenario, Speaker

CALLEE = "+18005550100"
CALLER = "+14255550123"
TONES = set("0123456789*#ABCD")
LOOPBACK = ("127.0.0.1", "localhost")
CODES = {404: "not_found", 405: "method_not_allowed", 409: "wrong_state", 413: "too_large"}
MAX_UPLOAD = 64 * 1024 * 1024

Row = dict[str, Any]


@dataclass(slots=True)
class Form:
    """A request's fields, from JSON or multipart, and its ``audio`` parts in order."""

    fields: dict[str, Any] = field(default_factory=dict)
    sounds: list[tuple[str, Sound]] = field(default_factory=list)

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self.fields.get(name) or default
        if value is not None and not isinstance(value, str):
            raise ValueError(f"“{name}” must be a text.")
        return value

    def flag(self, name: str) -> bool:
        return str(self.fields.get(name, "")).lower() in ("true", "1", "on", "yes")


async def read_form(request: web.Request) -> Form:
    """Raises ValueError for what cannot be read, BadSoundError among them."""
    if request.content_type != "multipart/form-data":
        try:
            body = await request.json() if request.can_read_body else {}
        except ValueError as error:
            raise ValueError("The body is neither JSON nor multipart/form-data.") from error
        if not isinstance(body, dict):
            raise ValueError("The body must be a JSON object or multipart/form-data.")
        return Form(body)
    form = Form()
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "audio":
            content = bytes(await part.read())
            form.sounds.append((part.filename or "", await asyncio.to_thread(decode, content)))
        elif part.name:
            form.fields[part.name] = await part.text()
    return form


class Control:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> list[web.RouteDef]:
        one = "/emulator/calls/{id}"
        return [
            web.post("/emulator/calls", self.ring),
            web.get("/emulator/calls", self.calls),
            web.get(one, self.call),
            web.get(f"{one}/heard.wav", self.heard),
            web.get(f"{one}/round-trips", self.round_trips),
            web.post(f"{one}/say", self.say),
            web.post(f"{one}/dtmf", self.dtmf),
            web.post(f"{one}/participants", self.join),
            web.post(f"{one}/hang-up", self.hang_up),
            web.get("/emulator/scenarios", self.scenarios),
        ]

    async def ring(self, request: web.Request) -> web.Response:
        form = await read_form(request)
        name = form.text("scenario")
        if form.sounds:
            scenario = _uploaded(form)
        else:
            scenario = await asyncio.to_thread(scenarios.load, name or "support")
        caller = form.text("caller", scenario.speakers[0].raw_id)
        callee = form.text("callee", CALLEE)
        call = self._exchange.ring(raw_id_of(caller or ""), raw_id_of(callee or ""), scenario)
        return web.json_response({"id": call.id, "state": call.state}, status=201)

    async def calls(self, request: web.Request) -> web.Response:
        rows = [call_row(call) for call in reversed(self._exchange.calls.values())]
        return web.json_response({"results": rows, "next": None, "previous": None})

    async def call(self, request: web.Request) -> web.Response:
        return web.json_response(call_row(self._call(request)))

    async def heard(self, request: web.Request) -> web.Response:
        call, raw_id = self._call(request), request.query.get("raw_id")
        content = await asyncio.to_thread(lambda: call.heard(raw_id).wav())
        return web.Response(body=content, content_type="audio/wav", headers={"Cache-Control": "no-store"})

    async def round_trips(self, request: web.Request) -> web.Response:
        media = self._call(request).media
        return web.json_response({"ms": [] if media is None else list(media.round_trips.ms)})

    async def say(self, request: web.Request) -> web.Response:
        call, form = self._connected(request), await read_form(request)
        if not form.sounds:
            raise ValueError("Nothing to say: send multipart with at least one “audio” part.")
        speaker = form.text("speaker", next(iter(_people(call))))
        if speaker not in call.participants:
            raise ValueError(f"Nobody on the call has the raw id “{speaker}”.")
        for _, sound in form.sounds:
            await call.say(speaker, Voice.of(sound, form.flag("loop")))
        duration_ms = round(1000 * max(sound.duration_s for _, sound in form.sounds))
        return web.json_response({"speaker": speaker, "duration_ms": duration_ms}, status=202)

    async def dtmf(self, request: web.Request) -> web.Response:
        call, form = self._connected(request), await read_form(request)
        tones = (form.text("tones") or "").upper()
        if not tones or set(tones) - TONES:
            raise ValueError("“tones” must be keys: 0 to 9, *, # and A to D.")
        raw_id = form.text("raw_id")
        if raw_id is not None and raw_id not in call.participants:
            raise ValueError(f"Nobody on the call has the raw id “{raw_id}”.")
        call.press(tones, raw_id)
        return web.json_response({"tones": tones}, status=202)

    async def join(self, request: web.Request) -> web.Response:
        call, form = self._connected(request), await read_form(request)
        raw_id = raw_id_of(form.text("raw_id") or form.text("number") or self._exchange.own_raw_id())
        if raw_id in call.participants:
            raise ValueError(f"“{raw_id}” is on the call already.")
        voice = Voice.of(form.sounds[0][1], form.flag("loop")) if form.sounds else Voice()
        somebody = await call.join(Speaker(raw_id, form.text("name") or "Guest", voice))
        return web.json_response(_participant_row(somebody), status=201)

    async def hang_up(self, request: web.Request) -> web.Response:
        call = self._call(request)
        call.hang_up(by_portal=False)
        return web.json_response({"id": call.id, "state": call.state})

    async def scenarios(self, request: web.Request) -> web.Response:
        rows = [{"name": name, "title": scenarios.script(name)["title"]} for name in scenarios.names()]
        return web.json_response({"results": rows, "next": None, "previous": None})

    def _call(self, request: web.Request) -> Call:
        call = self._exchange.calls.get(request.match_info["id"])
        if call is None:
            raise web.HTTPNotFound(reason="There is no call with that id.")
        return call

    def _connected(self, request: web.Request) -> Call:
        call = self._call(request)
        if call.phase != "connected":
            raise web.HTTPConflict(reason=f"The call is {call.state}; this needs a connected one.")
        return call


@web.middleware
async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refusals of the control face as JSON; nothing for other sites' pages, be it by form or by a name of their own."""
    own = f"http://{request.host}"
    if urlsplit(own).hostname not in LOOPBACK or request.headers.get("Origin", own) != own:
        return _error(403, "forbidden", "Orders are taken from this emulator's own page and from programs only.")
    if not request.path.startswith("/emulator/"):
        return await _answered(handler, request)
    try:
        return await _answered(handler, request)
    except ValueError as error:
        return _error(400, "invalid", str(error))
    except web.HTTPError as error:
        return _error(error.status, CODES.get(error.status, "refused"), error.reason)


async def _answered(handler: Any, request: web.Request) -> web.StreamResponse:
    answer: web.StreamResponse = await handler(request)
    return answer


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _uploaded(form: Form) -> Scenario:
    """One speaker per part: the caller first, then users of the resource."""
    loop = form.flag("loop")
    speakers = []
    for number, (filename, sound) in enumerate(form.sounds):
        raw_id = f"4:{CALLER}" if number == 0 else f"8:acs:upload_speaker-{number + 1}"
        speakers.append(Speaker(raw_id, filename or f"Speaker {number + 1}", Voice.of(sound, loop)))
    return Scenario("upload", tuple(speakers))


def call_row(call: Call) -> Row:
    callbacks = [] if call.callbacks is None else call.callbacks.deliveries
    return {
        "id": call.id,
        "direction": call.direction,
        "state": call.state,
        "caller": _spoken(call.caller),
        "callee": _spoken(call.callee),
        "scenario": call.scenario.name,
        "call_connection_id": None if call.leg is None else call.leg.call_connection_id,
        "server_call_id": call.server_call_id,
        "correlation_id": call.correlation_id,
        "participants": [_participant_row(somebody) for somebody in call.participants.values()],
        "streaming": _streaming_row(call.media),
        "callbacks": list(callbacks),
        "end": None
        if call.end is None
        else {"code": call.end.code, "subcode": call.end.subcode, "message": call.end.message},
        "ringing_at": _iso(call.ringing_at),
        "connected_at": _iso(call.connected_at),
        "ended_at": _iso(call.ended_at),
    }


def _streaming_row(media: MediaStream | None) -> Row:
    if media is None:
        return {"state": "off", **dict.fromkeys(_COUNTERS, 0)}
    elapsed_s = media.elapsed_s(time.monotonic())
    playout = media.playout
    queued_ms = round(playout.queued_ms(elapsed_s))
    return {
        "state": media.state,
        "subscription_id": media.subscription_id,
        "socket_connects": media.socket_connects,
        "frames_sent": media.frames_sent,
        "frames_lost": media.frames_lost,
        "frames_received": media.frames_received,
        "frames_ignored": media.ignored,
        "stop_audio": playout.stop_audio,
        "frames_after_stop": playout.frames_after_stop,
        "queued_ms": queued_ms,
        "max_queued_ms": round(playout.max_queued_ms),
        "underruns": playout.underruns,
        "sample_rate_hz": media.options.rate_hz,
        "channel_type": "unmixed" if media.options.unmixed else "mixed",
        "bidirectional": media.options.bidirectional,
        "dtmf": media.options.dtmf,
    }


_COUNTERS = (
    "socket_connects",
    "frames_sent",
    "frames_lost",
    "frames_received",
    "frames_ignored",
    "stop_audio",
    "frames_after_stop",
    "queued_ms",
    "max_queued_ms",
    "underruns",
)


def _people(call: Call) -> list[str]:
    own = call.set_up.own_raw_id if call.set_up is not None else None
    return [raw_id for raw_id in call.participants if raw_id != own]


def _participant_row(somebody: Participant) -> Row:
    return {"raw_id": somebody.raw_id, "kind": identifier(somebody.raw_id)["kind"], "name": somebody.name}


def _spoken(raw_id: str) -> str:
    return raw_id.removeprefix("4:")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
