"""The row of stages that one call's sound passes, and what we play into it. Outlives the socket that feeds it.

Pure: the endpoint feeds it, the player empties its playout, the journal reads its `live` values.
"""

import time
from typing import Final, TypedDict

from streaming.audio import PcmFrame
from streaming.pipeline.levels import Level, Levels
from streaming.pipeline.playout import Playout
from streaming.pipeline.stage import Stage

US: Final = "us"


class LevelJson(TypedDict):
    rms_dbfs: float
    peak_dbfs: float
    dc: float
    speaking: bool
    clipping: bool


class PlayingJson(TypedDict):
    id: str
    kind: str
    label: str
    played_ms: int
    left_ms: int | None
    queued: int


class CallPipeline:
    """One call's stages in this process. `stages` are fed in order, by plain calls."""

    def __init__(self, rate_hz: int, lead_ms: int) -> None:
        self.levels = Levels()
        self.stages: list[Stage] = [self.levels]
        self.playout = Playout(rate_hz, lead_ms)
        self._our_levels = Levels()
        self.began_s = time.monotonic()

    def feed(self, frame: PcmFrame) -> None:
        for stage in self.stages:
            stage.feed(frame)

    def close(self) -> None:
        for stage in self.stages:
            stage.close()

    def levels_now(self, now_s: float) -> dict[str, LevelJson]:
        """Everybody's level by raw id, "mixed" for a mixed stream, "us" for what we play."""
        found = {raw_id: level_json(level) for raw_id, level in self.levels.snapshot(now_s).items()}
        heard = self.playout.level_window(now_s)
        if heard.size:
            self._our_levels.feed(
                PcmFrame(US, heard.tobytes(), self.playout.rate_hz, silent=False, timestamp=None, arrived_s=now_s)
            )
            ours = self._our_levels.snapshot(now_s).get(US)
            if ours is not None:
                found[US] = level_json(ours)
        return found

    def playing_now(self, now_s: float) -> PlayingJson | None:
        playing = self.playout.progress(now_s)
        if playing is None:
            return None
        return {
            "id": playing.injection_id,
            "kind": playing.kind,
            "label": playing.label,
            "played_ms": playing.played_ms,
            "left_ms": playing.left_ms,
            "queued": playing.queued,
        }


def level_json(level: Level) -> LevelJson:
    return {
        "rms_dbfs": round(level.rms_dbfs, 1),
        "peak_dbfs": round(level.peak_dbfs, 1),
        "dc": round(level.dc, 4),
        "speaking": level.speaking,
        "clipping": level.clipping_ratio > 0,
    }
