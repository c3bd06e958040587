"""Hears what a process hears on the channel layer."""

from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from calls.live import GROUP


class Ear:
    """One subscriber of a group, from now on."""

    def __init__(self, group: str = GROUP) -> None:
        self._layer = get_channel_layer()
        self._channel = async_to_sync(self._join)(group)

    async def _join(self, group: str) -> str:
        channel: str = await self._layer.new_channel("ear")
        await self._layer.group_add(group, channel)
        # An empty mailbox exists from the first message on; this one is thrown away.
        await self._layer.send(channel, {"type": "ear.open"})
        await self._layer.receive(channel)
        return channel

    def messages(self) -> list[dict[str, Any]]:
        """What has come since the last look."""
        mailbox = self._layer.channels.get(self._channel)
        found = []
        while mailbox is not None and not mailbox.empty():
            found.append(mailbox.get_nowait()[1])
        return found

    def events(self) -> list[dict[str, Any]]:
        """The live events among the messages."""
        return [each["event"] for each in self.messages() if each["type"] == "live.event"]
