"""The portal's ASGI application, and the tasks that each of its processes runs."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "acsportal.settings")
http: Any = get_asgi_application()

# These read models, so Django has to be set up first.
from acsportal import daphne_repairs as daphne_repairs  # noqa: E402 (imported for what it does)
from acsportal.drain import Drain  # noqa: E402
from acsportal.guards import daphne as daphne_guards  # noqa: E402, F401 (imported for what it does)
from acsportal.guards import uvicorn as uvicorn_guards  # noqa: E402, F401 (imported for what it does)
from acsportal.guards.bodies import limited  # noqa: E402
from acsportal.guards.limits import open_more_files  # noqa: E402
from calls.background import at_door  # noqa: E402
from calls.live import hub  # noqa: E402
from calls.operations.figures import SWEEP_TIME, read_process  # noqa: E402
from calls.operations.heartbeat import tell  # noqa: E402
from calls.operations.jobs import look_after_jobs  # noqa: E402
from calls.operations.process import stumbling  # noqa: E402
from calls.operations.pulse import pulse  # noqa: E402
from calls.services import sweep  # noqa: E402
from calls.wire import wire  # noqa: E402
from streaming.engines.access import AzureSpeechAccess, OpenAIAccess, grant  # noqa: E402
from streaming.engines.sphinx.workers import SHARED as SPHINX_WORKERS  # noqa: E402
from streaming.figures import Pace, totals  # noqa: E402
from streaming.journal import journal  # noqa: E402
from streaming.recording import jobs as recording_jobs  # noqa: E402, F401 (imported for what it does)
from streaming.recording.repair import repair  # noqa: E402
from streaming.recording.writer import writer  # noqa: E402
from streaming.routing import websockets  # noqa: E402
from streaming.screens.admission import doorkeeper  # noqa: E402
from streaming.switchboard import switchboard  # noqa: E402
from streaming.transcripts.call import all_ended  # noqa: E402

log = logging.getLogger(__name__)
open_more_files()
grant(
    AzureSpeechAccess(settings.SPEECH_AZURE_KEY, settings.SPEECH_AZURE_REGION, settings.SPEECH_AZURE_ENDPOINT),
    OpenAIAccess(settings.SPEECH_OPENAI_KEY, settings.SPEECH_OPENAI_URL, settings.SPEECH_OPENAI_MODEL),
)
SPHINX_WORKERS.limit = settings.SPEECH_WORKERS

# A thread that computes, such as the journal's, keeps the interpreter for so long each time that the event loop asks
# for it back, which it does for every socket that can be read. With Python's 5 ms, sixty streams wait for 50 ms behind
# one busy thread.
THREAD_TURN_S = 0.0001
SWEEP_S = 2.0
FIGURES_S = 1.0
RESTART_S = 1.0
LAST_ANNOUNCEMENTS_S = 1.0
LAST_WORDS_S = 3.0

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def sweep_forever() -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        with SWEEP_TIME.time():
            await at_door(sweep)
            await at_door(look_after_jobs)
            await at_door(repair)


async def take_figures() -> None:
    """Each second the figures, each second one the process's row."""
    pace = Pace()
    odd = False
    while True:
        reading = totals.reading()
        read_process(reading)
        if odd := not odd:
            journal.offer(tell, pace.facts(reading))
        await asyncio.sleep(FIGURES_S)


TASKS: dict[str, Callable[[], Awaitable[None]]] = {
    "wire": wire.run,
    "hub": hub.run,
    "journal": journal.run,
    "pulse": pulse.run,
    "sweep": sweep_forever,
    "figures": take_figures,
    "doorkeeper": doorkeeper.run,
}
sys.setswitchinterval(THREAD_TURN_S)
# What was imported stays for ever. Looking through all of it for garbage would hold the sound for a tenth of a second.
gc.collect()
gc.freeze()
_running: WeakKeyDictionary[asyncio.AbstractEventLoop, list[asyncio.Task[None]]] = WeakKeyDictionary()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """HTTP to Django, WebSockets to the streams. Daphne sends no lifespan, so the first scope starts the tasks."""
    loop = asyncio.get_running_loop()
    if loop not in _running:
        _running[loop] = [asyncio.create_task(_keep(name, run), name=name) for name, run in TASKS.items()]
    if scope["type"] == "http":
        await limited(http, scope, receive, send)
    elif scope["type"] == "websocket":
        await _websocket(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)


async def _keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Runs a task for as long as the process lives; a failure is logged, and the task started again."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("the task %s failed and is started again", name)
        stumbling.add(name)
        await asyncio.sleep(RESTART_S)
        stumbling.discard(name)


async def _websocket(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await websockets(scope, receive, send)
    except ValueError as error:
        if "No route found" not in str(error):
            raise
        await receive()
        await send({"type": "websocket.close"})


async def _lifespan(receive: Receive, send: Send) -> None:
    Drain(_tell_at_once).stand_guard()
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await _end()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _tell_at_once() -> None:
    await asyncio.wait([asyncio.wrap_future(journal.write(tell, {"draining": True}))], timeout=RESTART_S)


async def _end() -> None:
    """The sockets are closed: their last words are written and announced before the process goes."""
    switchboard.close()
    await all_ended(LAST_WORDS_S)
    await asyncio.to_thread(writer.flush)
    await asyncio.to_thread(journal.flush)
    await wire.emptied(LAST_ANNOUNCEMENTS_S)
    tasks = _running.pop(asyncio.get_running_loop(), [])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
