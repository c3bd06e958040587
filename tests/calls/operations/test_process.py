"""Who a process is: known before Django is, and unlike any other."""

import os
import subprocess
import sys
from pathlib import Path

from calls.operations.process import HOST, PROCESS_ID

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
for name in ("django", "channels"):
    sys.modules[name] = None
from calls.operations.process import PROCESS_ID
print(PROCESS_ID)
"""


def test_a_process_has_a_name_of_its_own_that_says_where_it_runs() -> None:
    assert PROCESS_ID.startswith(HOST[:24])
    assert f"-{os.getpid()}-" in PROCESS_ID
    assert len(PROCESS_ID) <= 64


def test_no_two_have_one_name_and_logs_know_it_without_django() -> None:
    said = {
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(said) == 2
