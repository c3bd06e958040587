"""A little portal that plays the other side of the emulator: event door, callback door, media socket."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from aiohttp import WSMsgType, web
from azure.communication.callautomation import CallAutomationClient, MediaStreamingOptions
from azure.core.credentials import AzureKeyCredential

from acsportal.emulator.__main__ import running
from acsportal.emulator.exchange import Options
from acsportal.emulator.network import Timing

DEADLINE_S = 10.0
QUICK = Timing(
    ring_s=1.5,
    connect_s=(0.02, 0.1),
    spread_s=0.03,
    socket_s=(0.0, 0.05),
    streaming_s=(0.01, 0.05),
    callee_answers_s=(0.05, 0.1),
    disconnect_s=(0.05, 0.1),
    reconnect_s=0.1,
    callback_retry_s=(0.05, 0.1),
    tone_s=0.02,
)


@dataclass
class Socket:
    """One media socket as the portal saw it."""

    headers: dict[str, str]
    web_socket: web.WebSocketResponse
    texts: list[tuple[float, str]] = field(default_factory=list)
    close_code: int | None = None
    is_closed: bool = False

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for _, text in list(self.texts)]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["kind"] == kind]


class LittlePortal:
    """Answers Azure's doors and remembers what came; statuses can be changed to misbehave."""

    def __init__(self) -> None:
        self.events: list[tuple[dict[str, str], Any]] = []
        self.callbacks: list[tuple[dict[str, str], str, dict[str, Any]]] = []
        self.sockets: list[Socket] = []
        self.event_statuses: list[int] = []
        self.callback_statuses: list[int] = []
        self.refuses_sockets = False
        self.is_validated = False
        self.options_seen: list[dict[str, str]] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.post("/acs/events/", self._event),
                web.options("/acs/events/", self._option),
                web.post("/acs/callbacks/{token}", self._callback),
                web.get("/media/{token}", self._media),
            ]
        )
        return application

    @property
    def incoming(self) -> list[dict[str, Any]]:
        """The payloads of all IncomingCall events, in either schema."""
        events = [event for _, body in list(self.events) for event in (body if isinstance(body, list) else [body])]
        kind = "Microsoft.Communication.IncomingCall"
        return [event["data"] for event in events if event.get("eventType", event.get("type")) == kind]

    def types(self) -> list[str]:
        return [event["type"].rpartition(".")[2] for _, _, event in list(self.callbacks)]

    def types_of(self, call: dict[str, Any]) -> list[str]:
        """Of one call, by its row."""
        events = [event for _, _, event in list(self.callbacks)]
        return [
            event["type"].rpartition(".")[2]
            for event in events
            if event["data"]["correlationId"] == call["correlation_id"]
        ]

    def callback(self, kind: str) -> dict[str, Any]:
        return next(event for _, _, event in list(self.callbacks) if event["type"].endswith(f".{kind}"))

    async def _event(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.events.append((dict(request.headers), body))
        if self.event_statuses:
            return web.Response(status=self.event_statuses.pop(0))
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            self.is_validated = True
            return web.json_response({"validationResponse": body[0]["data"]["validationCode"]})
        return web.Response()

    async def _option(self, request: web.Request) -> web.Response:
        self.options_seen.append(dict(request.headers))
        return web.Response(headers={"WebHook-Allowed-Origin": request.headers["WebHook-Request-Origin"]})

    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert isinstance(body, list)
        assert len(body) == 1
        status = self.callback_statuses.pop(0) if self.callback_statuses else 200
        if status == 200:
            self.callbacks.append((dict(request.headers), request.path_qs, body[0]))
        return web.Response(status=status)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        if self.refuses_sockets:
            return web.Response(status=403)
        web_socket = web.WebSocketResponse()
        await web_socket.prepare(request)
        socket = Socket(dict(request.headers), web_socket)
        self.sockets.append(socket)
        async for message in web_socket:
            if message.type is WSMsgType.TEXT:
                socket.texts.append((time.monotonic(), message.data))
        socket.close_code, socket.is_closed = web_socket.close_code, True
        return web_socket


class Bench:
    """The emulator and the little portal, both in one background loop."""

    def __init__(self, options: Options | None = None, timing: Timing = QUICK) -> None:
        self.portal = LittlePortal()
        self.url = self.portal_url = ""
        self.options = options or Options(port=0)
        self._timing = timing
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._clients: list[CallAutomationClient] = []
        self._thread = threading.Thread(target=self._run, name="bench", daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)
        if self._failure is not None:
            raise self._failure

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have something done in the loop of both sides."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    def tasks_left(self) -> set[str]:
        async def names() -> set[str]:
            return {task.get_name() for task in asyncio.all_tasks()}

        return set(self.run(names()))

    def close(self) -> None:
        for client in self._clients:
            client.close()
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        assert self._failure is None, self._failure

    def until(self, holds: Callable[[], Any], seconds: float = DEADLINE_S) -> Any:
        """Poll until something true comes of it, and return that."""
        deadline_s = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < deadline_s, f"not within {seconds} s; callbacks: {self.portal.types()}"
            time.sleep(0.01)
        return found

    def client(self, access_key: str | None = None) -> CallAutomationClient:
        key = access_key or self.options.access_key
        return self.keep(CallAutomationClient(self.url, AzureKeyCredential(key), retry_total=0))

    def keep(self, client: CallAutomationClient) -> CallAutomationClient:
        """Have it closed with the bench."""
        self._clients.append(client)
        return client

    def streaming(self, channels: str = "unmixed", rate_hz: int = 16000, **more: Any) -> MediaStreamingOptions:
        wanted = {"start_media_streaming": True, "enable_bidirectional": True, "enable_dtmf_tones": True, **more}
        return MediaStreamingOptions(
            transport_url=f"{self.portal_url.replace('http', 'ws')}/media/m1?token=abc",
            transport_type="websocket",
            content_type="audio",
            audio_channel_type=channels,
            audio_format=f"pcm{rate_hz // 1000}KMono",
            **wanted,
        )

    @property
    def callback_url(self) -> str:
        return f"{self.portal_url}/acs/callbacks/c1?x=1"

    def order(self, path: str, body: Any = None, **more: Any) -> Any:
        """POST to the control face; the answer's JSON."""
        answer = requests.post(f"{self.url}/emulator/{path}", json=body, timeout=DEADLINE_S, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def look(self, call_id: str) -> Any:
        return requests.get(f"{self.url}/emulator/calls/{call_id}", timeout=DEADLINE_S).json()

    def ring(self, **order: Any) -> str:
        """Have the portal rung, and wait until it knows."""
        count = len(self.portal.incoming)
        call_id = self.order("calls", order)["id"]
        self.until(lambda: len(self.portal.incoming) > count)
        return str(call_id)

    def context(self) -> str:
        return str(self.portal.incoming[-1]["incomingCallContext"])

    def answered(self, streaming: MediaStreamingOptions | None = None, **order: Any) -> str:
        """A connected call; the emulator's id of it."""
        call_id = self.ring(**order)
        self.client().answer_call(
            self.context(), self.callback_url, operation_context="answer-1", media_streaming=streaming
        )
        self.until(lambda: {"CallConnected", "ParticipantsUpdated"} <= set(self.portal.types_of(self.look(call_id))))
        return call_id

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as error:
            self._failure = error
            self._ready.set()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _main(self) -> None:
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(self.portal.application(), access_log=None, shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.portal_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            values = {name: getattr(self.options, name) for name in Options.__dataclass_fields__}
            options = Options(**{**values, "portal": self.portal_url, "timing": self._timing})
            self.url = await stack.enter_async_context(running(options))
            self._stop = asyncio.Event()
            self._ready.set()
            await self._stop.wait()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """For tests that need another set-up: ``make_bench(Options(…), timing=…)``."""
    benches: list[Bench] = []

    def make(options: Options | None = None, timing: Timing = QUICK) -> Bench:
        benches.append(Bench(options, timing))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
