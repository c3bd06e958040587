"""The columns of what belongs to calls, the same in the tables of a call's page and in the lists across all calls."""

from django.contrib import admin
from django.utils.safestring import SafeString

from calls.admin import cells
from calls.models import CallEvent, Command, Injection, Participant, StreamSession
from calls.selectors import label_of
from calls.templatetags.console import DASH, db, length_of, offset


class EventColumns:
    """What happened, and when on the call's clock."""

    def title_of(self, row: CallEvent) -> str:
        return row.type

    @admin.display(description="At", ordering="event_time")
    def at(self, row: CallEvent) -> SafeString | str:
        return cells.when(row.event_time)

    @admin.display(description="What happened")
    def what(self, row: CallEvent) -> SafeString:
        return cells.event_words(row)

    @admin.display(description="Event", ordering="type")
    def type_cell(self, row: CallEvent) -> SafeString:
        return cells.link(row, row.type)

    @admin.display(description="Code", ordering="code")
    def numbers(self, row: CallEvent) -> SafeString | str:
        return cells.code(row.code, row.subcode) or DASH

    @admin.display(description="Happened")
    def event_at(self, row: CallEvent) -> SafeString | str:
        return cells.exact(row.event_time)

    @admin.display(description="Call time")
    def offset_cell(self, row: CallEvent) -> str:
        return offset((row.event_time - row.call.since).total_seconds()) if row.call else DASH

    @admin.display(description="Received")
    def received(self, row: CallEvent) -> SafeString | str:
        return cells.exact(row.received_at)

    @admin.display(description="Order")
    def operation(self, row: CallEvent) -> SafeString | str:
        return cells.address(row.operation_context)

    @admin.display(description="Azure's id")
    def azure_cell(self, row: CallEvent) -> SafeString | str:
        return cells.address(row.azure_id or "")

    @admin.display(description="As Azure said it")
    def json(self, row: CallEvent) -> SafeString:
        return cells.pretty(row.raw)


class StreamColumns:
    """A media socket, its codec and its health."""

    def title_of(self, row: StreamSession) -> str:
        return f"Stream {row.number} of the call with {cells.title(row.call)}"

    @admin.display(description="Stream", ordering="number")
    def number_cell(self, row: StreamSession) -> SafeString:
        return cells.link(row, f"Stream {row.number}")

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: StreamSession) -> SafeString:
        return cells.chip(cells.SOCKET_STATES, row.state)

    @admin.display(description="Codec", ordering="sample_rate_hz")
    def codec(self, row: StreamSession) -> str:
        return cells.codec(row)

    @admin.display(description="Opened", ordering="opened_at")
    def opened(self, row: StreamSession) -> SafeString | str:
        return cells.when(row.opened_at)

    @admin.display(description="Closed", ordering="closed_at")
    def closed(self, row: StreamSession) -> SafeString | str:
        return cells.closing(row)

    @admin.display(description="Frames", ordering="frames_received")
    def frames(self, row: StreamSession) -> SafeString:
        return cells.frames(row)

    @admin.display(description="Health")
    def trouble(self, row: StreamSession) -> SafeString:
        return cells.health(row)

    @admin.display(description="Opened")
    def opened_at_cell(self, row: StreamSession) -> SafeString | str:
        return cells.exact(row.opened_at)

    @admin.display(description="Closed")
    def closed_at_cell(self, row: StreamSession) -> SafeString | str:
        return cells.closing(row, whole=True)

    @admin.display(description="Lost")
    def lost_cell(self, row: StreamSession) -> str:
        return length_of(row.lost_ms)

    @admin.display(description="Lag")
    def lag_cell(self, row: StreamSession) -> str:
        return f"{row.lag_ms} ms"

    @admin.display(description="Malformed")
    def malformed_cell(self, row: StreamSession) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in row.malformed_kinds.items())
        return f"{row.malformed} ({kinds})" if kinds else str(row.malformed)

    @admin.display(description="First frame")
    def first_frame(self, row: StreamSession) -> SafeString | str:
        return cells.exact(row.first_frame_at)

    @admin.display(description="First of each voice")
    def first_words(self, row: StreamSession) -> str:
        return cells.voices(row.call, row.first_timestamps)

    @admin.display(description="Subscription")
    def subscription(self, row: StreamSession) -> SafeString | str:
        return cells.address(row.subscription_id)

    @admin.display(description="Process")
    def owner_cell(self, row: StreamSession) -> SafeString | str:
        return cells.address(row.owner)


class PersonColumns:
    """Who was on a call."""

    def title_of(self, row: Participant) -> str:
        return label_of(row.call, row.raw_id, row.name)

    @admin.display(description="Who", ordering="name")
    def who(self, row: Participant) -> SafeString:
        return cells.link(row, label_of(row.call, row.raw_id, row.name))

    @admin.display(description="Who")
    def who_plain(self, row: Participant) -> str:
        return label_of(row.call, row.raw_id, row.name)

    @admin.display(description="Kind", ordering="kind")
    def kind_cell(self, row: Participant) -> str:
        return cells.kind(row)

    @admin.display(description="Now")
    def now(self, row: Participant) -> SafeString:
        return cells.presence(row)

    @admin.display(description="Joined", ordering="joined_at")
    def joined(self, row: Participant) -> SafeString | str:
        return cells.when(row.joined_at)

    @admin.display(description="Left", ordering="left_at")
    def left(self, row: Participant) -> SafeString | str:
        return cells.when(row.left_at)

    @admin.display(description="Joined")
    def joined_at_cell(self, row: Participant) -> SafeString | str:
        return cells.exact(row.joined_at)

    @admin.display(description="Left")
    def left_at_cell(self, row: Participant) -> SafeString | str:
        return cells.exact(row.left_at)

    @admin.display(description="Raw id")
    def raw_cell(self, row: Participant) -> SafeString | str:
        return cells.address(row.raw_id)


class SoundColumns:
    """What we played."""

    def title_of(self, row: Injection) -> str:
        return cells.shortened(row.label)

    @admin.display(description="What")
    def what(self, row: Injection) -> SafeString:
        return cells.link(row, cells.shortened(row.label))

    @admin.display(description="What")
    def whole_label(self, row: Injection) -> str:
        return row.label

    @admin.display(description="How")
    def options(self, row: Injection) -> str:
        said = [f"voice {row.voice}"] if row.voice else []
        said += [f"{row.speed_wpm} words a minute"] if row.speed_wpm else []
        said += [f"gain {db(row.gain_db)}", "again and again" if row.loop else "once"]
        return ", ".join(said)

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Injection) -> SafeString:
        return cells.chip(cells.SOUND_STATES, row.state)

    @admin.display(description="Played", ordering="played_ms")
    def played(self, row: Injection) -> str:
        return f"{length_of(row.played_ms)} of {length_of(row.duration_ms)}" if row.duration_ms else DASH

    @admin.display(description="Asked at", ordering="queued_at")
    def queued(self, row: Injection) -> SafeString | str:
        return cells.when(row.queued_at)

    @admin.display(description="Why not")
    def why(self, row: Injection) -> SafeString | str:
        return cells.fault(row.error_code, row.error_message)

    @admin.display(description="Asked")
    def queued_cell(self, row: Injection) -> SafeString | str:
        return cells.exact(row.queued_at)

    @admin.display(description="Accepted")
    def accepted(self, row: Injection) -> SafeString | str:
        return cells.exact(row.accepted_at)

    @admin.display(description="Began")
    def started(self, row: Injection) -> SafeString | str:
        return cells.exact(row.started_at)

    @admin.display(description="Over")
    def ended(self, row: Injection) -> SafeString | str:
        return cells.exact(row.ended_at)


class OrderColumns:
    """What was asked of Azure, and how long it took."""

    def title_of(self, row: Command) -> str:
        return row.get_verb_display().capitalize()

    @admin.display(description="Order", ordering="verb")
    def what(self, row: Command) -> SafeString:
        return cells.link(row, row.get_verb_display().capitalize())

    @admin.display(description="State", ordering="state")
    def state_chip(self, row: Command) -> SafeString:
        return cells.chip(cells.ORDER_STATES, row.state)

    @admin.display(description="Asked", ordering="created_at")
    def asked(self, row: Command) -> SafeString | str:
        return cells.when(row.created_at)

    @admin.display(description="Accepted after")
    def accepted(self, row: Command) -> str:
        return cells.after(row.created_at, row.accepted_at)

    @admin.display(description="Over after")
    def done(self, row: Command) -> str:
        return cells.after(row.created_at, row.done_at)

    @admin.display(description="Why not")
    def why(self, row: Command) -> SafeString | str:
        return cells.fault(row.error_code, row.error_message)

    @admin.display(description="Asked")
    def asked_cell(self, row: Command) -> SafeString | str:
        return cells.exact(row.created_at)

    @admin.display(description="Accepted")
    def accepted_cell(self, row: Command) -> SafeString | str:
        return cells.exact(row.accepted_at)

    @admin.display(description="Over")
    def done_cell(self, row: Command) -> SafeString | str:
        return cells.exact(row.done_at)
