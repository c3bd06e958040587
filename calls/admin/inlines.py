"""What belongs to a call, as tables on the call's own page; each row leads to its own page."""

from calls.admin.history.columns import EventColumns, OrderColumns, PersonColumns, SoundColumns, StreamColumns
from calls.admin.readonly import RowsOfCall
from calls.models import CallEvent, Command, Injection, Participant, StreamSession


class People(PersonColumns, RowsOfCall[Participant]):
    model = Participant
    verbose_name_plural = "People"
    fields = ("who", "kind_cell", "now", "joined", "left")


class Streams(StreamColumns, RowsOfCall[StreamSession]):
    model = StreamSession
    verbose_name_plural = "Streams"
    fields = ("number_cell", "state_chip", "codec", "opened", "closed", "frames", "trouble")
    ordering = ("-number",)


class Sounds(SoundColumns, RowsOfCall[Injection]):
    model = Injection
    verbose_name = "sound"
    verbose_name_plural = "Sounds we played"
    fields = ("what", "state_chip", "played", "asked_by", "queued", "why")
    ordering = ("-queued_at", "-id")


class Orders(OrderColumns, RowsOfCall[Command]):
    model = Command
    verbose_name = "order"
    verbose_name_plural = "Orders to Azure"
    fields = ("what", "state_chip", "asked_by", "asked", "accepted", "done", "why")
    ordering = ("-created_at", "-id")


class Events(EventColumns, RowsOfCall[CallEvent]):
    model = CallEvent
    verbose_name_plural = "Events, newest first"
    fields = ("offset_cell", "what", "type_cell", "numbers", "source")
    ordering = ("-event_time", "-received_at", "-id")


INLINES = (People, Streams, Sounds, Orders, Events)
