"""Bare picows with the portal's own decoding and levels, and nothing else: no ASGI, no Django, no clocks, no orders."""

import argparse
import asyncio
import os
import time
from pathlib import Path

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from bench.rig.gauge import Gauge
from streaming.audio import PcmFrame
from streaming.pipeline.levels import Levels
from streaming.protocol import AudioData, AudioMetadata, decode

gauge = Gauge(Path(os.environ["BENCH_GAUGE"]))


class Listener(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        self._levels = Levels()
        self._rate_hz = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            message = decode(frame.get_payload_as_bytes())
            if type(message) is AudioData:
                arrived_s = time.monotonic()
                raw_id = message.raw_id or "mixed"
                self._levels.feed(
                    PcmFrame(raw_id, message.pcm, self._rate_hz, message.silent, message.timestamp, arrived_s)
                )
                gauge.note(message.pcm)
            elif type(message) is AudioMetadata:
                self._rate_hz = message.sample_rate_hz


def listener(request: WSUpgradeRequest) -> WSListener:
    return Listener()


async def serve(port: int) -> None:
    server = await ws_create_server(listener, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(port))


if __name__ == "__main__":
    main()
