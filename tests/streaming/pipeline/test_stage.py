from streaming.audio import PcmFrame
from streaming.pipeline.levels import Levels
from streaming.pipeline.stage import Stage


class Counter:
    def __init__(self) -> None:
        self.frames = 0
        self.closed = False

    def feed(self, frame: PcmFrame) -> None:
        self.frames += 1

    def close(self) -> None:
        self.closed = True


def test_anything_that_is_fed_and_closed_is_a_stage() -> None:
    counter = Counter()
    stages: list[Stage] = [Levels(), counter]
    for stage in stages:
        stage.feed(PcmFrame("mixed", bytes(640), 16_000, False, None, 0.0))
        stage.close()
    assert (counter.frames, counter.closed) == (1, True)
