"""How long this machine keeps any process waiting that wants two milliseconds each twenty: no portal answers for that.

Each line on standard input asks for one measurement since the line before; the answer is a JSON array of milliseconds
by which a turn came later than the absolute schedule has it.
"""

import json
import sys
import threading
import time

EVERY_S = 0.02
WORK_S = 0.002


class Ruler:
    def __init__(self) -> None:
        self._late_ms: list[float] = []

    def run(self) -> None:
        due_s = time.perf_counter()
        while True:
            due_s += EVERY_S
            time.sleep(max(0.0, due_s - time.perf_counter()))
            late_s = time.perf_counter() - due_s
            self._late_ms.append(round(late_s * 1000, 2))
            until_s = time.perf_counter() + WORK_S
            while time.perf_counter() < until_s:
                pass

    def measured(self) -> str:
        found, self._late_ms = self._late_ms, []
        return json.dumps(found)


if __name__ == "__main__":
    ruler = Ruler()
    threading.Thread(target=ruler.run, daemon=True).start()
    for _ in sys.stdin:
        sys.stdout.write(ruler.measured() + "\n")
        sys.stdout.flush()
