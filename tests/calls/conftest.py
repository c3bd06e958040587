"""What tests of calls/ share: Azure's stand-in, its doors, and policies."""

from collections.abc import Iterator
from typing import Any

import pytest

from calls.background import drain
from calls.gateway import gateway
from calls.models import CallPolicy
from tests.azure_stand_in import AzureStandIn, Doors
from tests.calls.loopback import loopback


@pytest.fixture(autouse=True)
def layer_in_memory(settings: Any) -> None:
    """A channel layer of each test's own; journeys go through Redis."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def azure(settings: Any) -> Iterator[AzureStandIn]:
    with loopback() as server:
        stand_in = AzureStandIn(server)
        for name, value in stand_in.settings().items():
            setattr(settings, name, value)
        settings.EVENT_GRID_SECRET = "grid-secret"
        yield stand_in
        server.released.set()
        assert drain(20), "work in the background outlived its test"
        gateway().close()


@pytest.fixture
def doors(azure: AzureStandIn) -> Doors:
    return Doors()


@pytest.fixture
def answering(transactional_db: None) -> CallPolicy:
    """Every call is answered at once and streams both ways."""
    CallPolicy.objects.all().delete()
    return CallPolicy.objects.create(name="Answer all", action=CallPolicy.Action.ANSWER)


@pytest.fixture
def ringing(transactional_db: None) -> CallPolicy:
    """Every call rings the operators."""
    CallPolicy.objects.all().delete()
    return CallPolicy.objects.create(name="Ring all", action=CallPolicy.Action.RING)
