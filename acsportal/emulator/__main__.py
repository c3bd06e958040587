"""``python -m acsportal.emulator``: Azure on loopback, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.control import MAX_UPLOAD, Control, guard
from acsportal.emulator.eventgrid import EventGrid
from acsportal.emulator.exchange import Exchange, Options
from acsportal.emulator.faults import Faults
from acsportal.emulator.faults.door import FaultDoor
from acsportal.emulator.faults.rest import misbehaving
from acsportal.emulator.identity import Identity
from acsportal.emulator.network import Network
from acsportal.emulator.phone.socket import PhoneDoor
from acsportal.emulator.rest import Rest

HOST = "127.0.0.1"
PHONE = Path(__file__).parent / "phone" / "static"
FONTS = Path(__file__).parents[2] / "static" / "fonts"
PHONE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
EPILOG = """\
The portal's calls are answered after a second or two by the scenario of --callee-scenario.
Numbers that end in 0000 never answer (CreateCallFailed 480/560480), those that end in 0001 are busy (403/560403);
rooms and group calls that end in 0000 cannot be joined (ConnectFailed 480/10076).
Phone callers (+1…) who give up while it rings vanish without a word, as in Azure; ACS users (8:acs:…) leave
Microsoft.Communication.CallEnded at the event door. Only loopback is listened on.
"""


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[str]:
    """An emulator on loopback for the length of the block, giving its base URL; port 0 takes a free one.

    Raises OSError when the port is taken, UnknownScenarioError, and ValueError for an access key that is no base64.
    """
    callee = await asyncio.to_thread(scenarios.load, options.callee_scenario)
    # A connection for each request: one kept open may be closed just when the next event is put on it.
    connector = TCPConnector(limit=0, force_close=True)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as http:
        identity = await asyncio.to_thread(Identity, options.resource_id, options.issuer)
        network = Network(http, identity, Faults(), options.timing, options.seed)
        grid = EventGrid(http, options.subscription())
        exchange = Exchange(network, grid, callee, options.kept_calls)
        runner = web.AppRunner(_application(exchange, options), access_log=None, shutdown_timeout=2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, options.port)
            await site.start()
            yield f"http://{HOST}:{runner.addresses[0][1]}"
        finally:
            try:
                await exchange.shut_down()
            finally:
                await runner.cleanup()


def _say_ready(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def serve(options: Options, ready: Callable[[str], None] = _say_ready) -> None:
    """Run until SIGTERM or SIGINT; ``ready`` gets one line when the port listens."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(options) as url:
        ready(f"EMULATOR READY {url}")
        await stop.wait()


def _application(exchange: Exchange, options: Options) -> web.Application:
    identity = exchange.network.identity

    async def openid_configuration(request: web.Request) -> web.Response:
        return web.json_response(identity.openid_configuration(f"http://{request.host}"))

    async def keys(request: web.Request) -> web.Response:
        return web.json_response(identity.keys())

    async def phone(request: web.Request) -> web.FileResponse:
        return web.FileResponse(PHONE / "index.html", headers=PHONE_HEADERS)

    door = PhoneDoor(exchange)
    application = web.Application(middlewares=[guard, misbehaving(exchange)], client_max_size=MAX_UPLOAD)
    application.on_shutdown.append(door.shut_down)
    application.add_routes(
        [
            web.get("/", phone),
            web.static("/phone/fonts", FONTS),
            web.static("/phone", PHONE),
            web.get("/calling/.well-known/acsopenidconfiguration", openid_configuration),
            web.get("/calling/keys", keys),
            *Control(exchange).routes(),
            *FaultDoor(exchange.network.faults, exchange.calls).routes(),
            *door.routes(),
            *Rest(exchange, options.access_key).routes(),
        ]
    )
    return application


def options_of(argv: Sequence[str] | None = None) -> Options:
    default = Options()
    parser = argparse.ArgumentParser(
        prog="emulator",
        description="Azure Communication Services on loopback: rings the portal, is answered, streams sound, hears.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=default.port, help="port to listen on; 0 takes a free one (%(default)s)")
    add("--portal", default=default.portal, help="where the portal is (%(default)s)")
    add("--seed", type=int, default=default.seed, help="seed of all order and delay (%(default)s)")
    add("--access-key", default=default.access_key, help="base64 key that requests are signed with (%(default)s)")
    add("--resource-id", default=default.resource_id, help="audience of the tokens (%(default)s)")
    add("--issuer", default=default.issuer, help="issuer of the tokens (%(default)s)")
    add("--event-grid-secret", default=default.event_grid_secret, help="sent as X-Event-Grid-Secret (%(default)s)")
    add("--event-schema", choices=("grid", "cloud"), default=default.event_schema, help="form of events (%(default)s)")
    add("--callee-scenario", default=default.callee_scenario, help="who answers the portal's calls (%(default)s)")
    add("--log-level", default="WARNING", help="DEBUG, INFO, WARNING or ERROR, to stderr (%(default)s)")
    arguments = vars(parser.parse_args(argv))
    logging.basicConfig(level=arguments.pop("log_level").upper(), format="%(asctime)s %(name)s %(message)s")
    try:
        return Options(**arguments)
    except ValueError as error:
        parser.error(str(error))


def main(argv: Sequence[str] | None = None) -> int:
    """Raises nothing that an operator could mend: says it in one sentence and returns 1."""
    options = options_of(argv)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        sys.stderr.write(f"Port {options.port} cannot be listened on: {error.strerror}. Choose one with --port.\n")
        return 1
    except scenarios.UnknownScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
