"""Serves an ASGI application as `make serve` serves the portal, in one process: `serving <module:name> <port>`."""

import sys

import uvicorn

from acsportal.serve import configuration


def main() -> None:
    application, port = sys.argv[1:]
    config = configuration("127.0.0.1", int(port), 1)
    config.app = application
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
