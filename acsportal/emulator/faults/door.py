"""The fault door: what can go wrong, what is armed, what has happened; and arming one."""

from collections.abc import Container
from json import JSONDecodeError
from typing import Any

from aiohttp import web

from acsportal.emulator.faults.armed import Faults
from acsportal.emulator.faults.catalogue import AVAILABLE, BadFaultError, read_fault


class FaultDoor:
    """``calls`` are the ids that a fault can be armed for."""

    def __init__(self, faults: Faults, calls: Container[object]) -> None:
        self._faults = faults
        self._calls = calls

    def routes(self) -> list[web.RouteDef]:
        path = "/emulator/faults"
        return [web.get(path, self.faults), web.post(path, self.arm), web.delete(path, self.disarm)]

    async def faults(self, request: web.Request) -> web.Response:
        armed, used = self._faults.armed(), self._faults.used()
        rows = {"armed": [fault.row() for fault in armed], "used": [fault.row() for fault in used]}
        return web.json_response({"available": AVAILABLE, **rows})

    async def arm(self, request: web.Request) -> web.Response:
        fault = read_fault(await _fields(request))
        if fault.call is not None and fault.call not in self._calls:
            raise BadFaultError(f"There is no call “{fault.call}”. GET /emulator/calls lists those there are.")
        return web.json_response(self._faults.arm(fault).row(), status=201)

    async def disarm(self, request: web.Request) -> web.Response:
        return web.json_response({"disarmed": [fault.row() for fault in self._faults.disarm()]})


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        fields = await request.json() if request.can_read_body else {}
    except (JSONDecodeError, UnicodeDecodeError) as error:
        raise BadFaultError("The body is not JSON.") from error
    if not isinstance(fields, dict):
        raise BadFaultError("The body must be a JSON object.")
    return fields
