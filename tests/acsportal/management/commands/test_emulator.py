"""`manage.py emulator` is the emulator, with the emulator's own options."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_the_command_listens_says_so_and_ends_on_sigterm() -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "emulator", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY": "unused", "ENV_FILE": os.devnull},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("EMULATOR READY http://127.0.0.1:")
        with urllib.request.urlopen(f"{said.split()[-1]}/emulator/calls", timeout=5) as response:
            assert response.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stdout is not None
        process.stdout.close()
