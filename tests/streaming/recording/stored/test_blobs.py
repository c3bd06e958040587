"""Recordings in Azure Blob Storage, as Microsoft's own Azurite plays it on this machine."""

import base64
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import soundfile
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from calls.models import Call, Job, Recording
from calls.operations.jobs import enqueue
from calls.services import PORTAL
from calls.services.recordings.storing import delete_take
from tests.streaming.recording.left_takes import CALLER, US, WrittenTake, noise, written

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).parents[3] / "azurite"
INSTALL_S, START_S = 120, 15
UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")
ACCOUNT = "portal"


@pytest.fixture(scope="session")
def program(lacks: Callable[[str], NoReturn]) -> Path:
    """Azurite exactly as the lock file has it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("this machine lacks Node.js and npm, by which Azurite would be installed")
    have, want = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if not have.exists() or have.stat().st_mtime < want.stat().st_mtime:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        done = subprocess.run(
            command, cwd=HERE, env={**os.environ, "CI": "true"}, capture_output=True, text=True, timeout=INSTALL_S,
            check=False,
        )  # fmt: skip
        if done.returncode and any(word in done.stderr for word in UNREACHABLE):
            pytest.skip("the npm registry does not answer, so Azurite cannot be installed")
        if done.returncode:
            lacks(f"a registry with the packages of tests/azurite: {done.stderr.strip()[-400:]}")
    return HERE / "node_modules" / ".bin" / "azurite-blob"


@dataclass
class Azurite:
    program: Path
    folder: Path
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(48)).decode())
    port: int = 0
    running: "subprocess.Popen[bytes] | None" = None

    @property
    def connection_string(self) -> str:
        address = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self.key};BlobEndpoint={address};"

    def start(self) -> None:
        if not self.port:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        self.running = subprocess.Popen(
            [self.program, "--blobPort", str(self.port), "--location", self.folder, "--silent", "--disableTelemetry",
             "--skipApiVersionCheck"],
            env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{self.key}"},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        pytest.fail("Azurite did not open its port")

    def stop(self) -> None:
        if self.running:
            self.running.terminate()
            self.running.wait(10)
            self.running = None


@pytest.fixture
def azurite(program: Path, tmp_path: Path) -> Iterator[Azurite]:
    server = Azurite(program, tmp_path / "azurite")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def blobs(azurite: Azurite, kept_in: Any) -> Any:
    store = kept_in(
        "streaming.recording.stored.blobs.AzureRecordings",
        connection_string=azurite.connection_string,
        azure_container="recordings",
    )
    store.client.create_container()
    yield store
    store.service_client.close()


@pytest.fixture
def take(call: Call, written_in: Path) -> WrittenTake:
    return written(written_in, call, {CALLER: noise(40, 1), US: noise(40, 2)})


@pytest.fixture
def player(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def make_due(job: Job) -> None:
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(due_at=now)
    DBTaskResult.objects.filter(pk=Job.objects.get(pk=job.pk).task_id).update(run_after=now)


def test_a_take_is_stored_heard_in_parts_and_deleted(take: WrittenTake, blobs: Any, player: Client) -> None:
    enqueue("finish_take", take=str(take.take.pk))
    work()
    assert take.again().state == "complete", Job.objects.get().error
    assert not take.folder.exists()
    recording = take.recording(CALLER)
    assert blobs.size(recording.file.name) == recording.size
    assert (recording.size or 0) > 2**20  # more than one piece of a transfer
    properties = blobs.client.get_blob_client(recording.file.name).get_blob_properties()
    assert properties.content_settings.cache_control == "private, no-store"
    url = f"/api/v1/recordings/{recording.pk}/audio/"
    whole = b"".join(player.get(url))
    assert len(whole) == recording.size
    wav = b"".join(player.get(f"{url}?format=wav"))
    assert np.array_equal(np.frombuffer(wav[44:], "<i2"), take.sounds[CALLER])
    for first, last in ((0, 0), (1_000_000, 1_100_000), (recording.size - 3, recording.size)):
        for content, query in ((whole, ""), (wav, "?format=wav")):
            part = player.get(f"{url}{query}", headers={"Range": f"bytes={first}-{last}"})
            assert b"".join(part) == content[first : last + 1]
    assert player.get(f"/api/v1/recordings/{recording.pk}/peaks/").json()["duration_s"] == 40
    delete_take(PORTAL, take.again())
    work()
    assert list(blobs.client.list_blobs()) == []


def test_a_wav_s_part_in_the_middle_fetches_little_of_the_file(
    take: WrittenTake, blobs: Any, player: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue("finish_take", take=str(take.take.pk))
    work()
    fetched: list[int] = []
    read_part = blobs.read_part

    def counted(name: str, start: int, length: int) -> Iterator[bytes]:
        fetched.append(length)
        yield from read_part(name, start, length)

    monkeypatch.setattr(blobs._wrapped, "read_part", counted)
    url = f"/api/v1/recordings/{take.recording(CALLER).pk}/audio/?format=wav"
    assert len(b"".join(player.get(url, headers={"Range": "bytes=600000-600999"}))) == 1_000
    assert len(fetched) < 12


def test_a_storage_that_is_away_gets_the_recording_when_it_is_back(
    take: WrittenTake, blobs: Any, azurite: Azurite, player: Client
) -> None:
    job = enqueue("finish_take", take=str(take.take.pk))
    azurite.stop()
    began_s = time.monotonic()
    work()
    assert Job.objects.get(pk=job.pk).state == "waiting"
    assert "The storage of recordings did not answer" in take.again().error
    assert player.get(f"/api/v1/recordings/{take.recording(CALLER).pk}/audio/").status_code == 409
    time.sleep(max(0.0, 10 - (time.monotonic() - began_s)))
    azurite.start()
    make_due(job)
    work()
    assert take.again().state == "complete"
    for track, sound in take.sounds.items():
        recording: Recording = take.recording(track)
        with blobs.open(recording.file.name, "rb") as file:
            assert np.array_equal(soundfile.read(file, dtype="int16")[0], sound)
