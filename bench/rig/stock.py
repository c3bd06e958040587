"""What one writes first: Channels' own consumer with json, base64 and numpy for each frame."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from bench.rig.gauge import Gauge  # noqa: E402

gauge = Gauge(Path(os.environ["BENCH_GAUGE"]))


class StockConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        self.levels: dict[str, tuple[float, float]] = {}
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message: dict[str, Any] = json.loads(text_data or "")
        if message["kind"] != "AudioData":
            return
        audio = message["audioData"]
        pcm = base64.b64decode(audio["data"])
        samples = np.frombuffer(pcm, "<i2").astype(np.float64)
        samples -= samples.mean()
        rms = 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32_768 + 1e-9)
        self.levels[audio["participantRawID"]] = (float(rms), float(np.abs(samples).max()))
        gauge.note(pcm)


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws/<str:token>/", StockConsumer.as_asgi())])}
)
