"""Where takes are written, and where they are stored, of each test's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.functional import empty

from calls.models import Call
from calls.models.recording import recording_store
from tests.calls.scene import live_call


@pytest.fixture
def kept_in(settings: Any, tmp_path: Path) -> Iterator[Any]:
    """Chooses the storage of recordings by its settings; a folder of the test's own if nothing is said."""

    store: Any = recording_store

    def choose(backend: str = "streaming.recording.stored.stores.LocalRecordings", **options: Any) -> Any:
        if not options and backend.endswith("LocalRecordings"):
            options = {"location": str(tmp_path / "store")}
        settings.STORAGES = {**settings.STORAGES, "recordings": {"BACKEND": backend, "OPTIONS": options}}
        store._wrapped = empty
        return store

    yield choose
    store._wrapped = empty


@pytest.fixture
def store(kept_in: Any) -> Any:
    return kept_in()


@pytest.fixture
def written_in(settings: Any, tmp_path: Path) -> Path:
    """RECORDING_DIR."""
    settings.RECORDING_DIR = tmp_path / "written"
    return tmp_path / "written"


@pytest.fixture
def call(db: None) -> Call:
    return live_call()
