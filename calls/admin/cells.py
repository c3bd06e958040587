"""What stands in a cell of the admin: states as chips, moments, numbers, codes, and links from row to row."""

import json
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.codes import explain
from calls.events import redacted
from calls.models import Call, CallEvent, Command, Injection, Participant, StreamSession
from calls.models.profile import ProfileColumns
from calls.numbers import number_text, raw_id_text
from calls.selectors import label_of
from calls.templatetags.console import DASH, icon, khz, length_of

# State → (tone, icon, word). Tones are the five of the console: ok wait bad us off.
Chips = dict[str, tuple[str, str, str]]

CALL_STATES: Final[Chips] = {
    Call.State.RINGING: ("wait", "ringing", "Ringing"),
    Call.State.CONNECTING: ("wait", "ringing", "Connecting"),
    Call.State.CONNECTED: ("ok", "live", "Live"),
    Call.State.ENDED: ("off", "ended", "Ended"),
    Call.State.FAILED: ("bad", "trouble", "Failed"),
}
STREAMING_STATES: Final[Chips] = {
    Call.Streaming.OFF: ("off", "no-stream", "Off"),
    Call.Streaming.STARTING: ("wait", "clock", "Starting"),
    Call.Streaming.STREAMING: ("ok", "wave", "Streaming"),
    Call.Streaming.STOPPING: ("wait", "clock", "Stopping"),
    Call.Streaming.FAILED: ("bad", "trouble", "Failed"),
}
SOCKET_STATES: Final[Chips] = {
    StreamSession.State.OPEN: ("ok", "wave", "Open"),
    StreamSession.State.CLOSED: ("off", "no-stream", "Closed"),
    StreamSession.State.LOST: ("bad", "trouble", "Lost"),
}
ORDER_STATES: Final[Chips] = {
    Command.State.QUEUED: ("wait", "clock", "Asked"),
    Command.State.ACCEPTED: ("wait", "check", "Accepted"),
    Command.State.DONE: ("ok", "check", "Done"),
    Command.State.FAILED: ("bad", "trouble", "Failed"),
}
SOUND_STATES: Final[Chips] = {
    Injection.State.QUEUED: ("wait", "clock", "Asked"),
    Injection.State.PLAYING: ("us", "speak", "Playing"),
    Injection.State.DONE: ("ok", "check", "Done"),
    Injection.State.STOPPED: ("off", "stop", "Stopped"),
    Injection.State.FAILED: ("bad", "trouble", "Failed"),
}

KINDS: Final = {
    "phone": "Phone",
    "acs_user": "ACS user",
    "teams_user": "Teams user",
    "teams_app": "Teams app",
    "unknown": "Unknown",
}


def chip(chips: Chips, state: str) -> SafeString:
    tone, symbol, word = chips[state]
    return toned(tone, symbol, word)


def word(chips: Chips, state: str) -> SafeString:
    """A state without its icon, where a column is narrow and another chip leads the row; trouble keeps its icon."""
    tone, symbol, words = chips[state]
    if tone == "bad":
        return toned(tone, symbol, words)
    return format_html('<span class="state" data-tone="{}">{}</span>', "plain" if tone == "off" else tone, words)


def toned(tone: str, symbol: str, words: str) -> SafeString:
    return format_html('<span class="state" data-tone="{}">{}<span>{}</span></span>', tone, icon(symbol), words)


def title(call: Call) -> str:
    """Whom the call is with: the caller of an incoming one, the callee of one we placed."""
    return far_end(call) if call.direction == Call.Direction.OUTBOUND else near_end(call)


def near_end(call: Call) -> str:
    return raw_id_text(call.caller_raw_id) if call.caller_raw_id else number_text(call.caller)


def far_end(call: Call) -> str:
    return raw_id_text(call.callee_raw_id) if call.callee_raw_id else number_text(call.callee)


def way(call: Call) -> SafeString:
    outbound = call.direction == Call.Direction.OUTBOUND
    return toned("plain", "call-out" if outbound else "call-in", "out" if outbound else "in")


def link(row: Model, words: object) -> SafeString:
    """`words` as a link to the row's own page in the admin."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, words)


def call_link(call: Call | None) -> SafeString | str:
    return link(call, title(call)) if call else DASH


def rows_link(model: type[Model], words: object, **filters: object) -> SafeString:
    """`words` as a link to the admin's list of a model, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode(filters), words)


def when(moment: datetime | None) -> SafeString | str:
    """`20 Nov, 10:40` in the portal's time zone, with the year if it is another one; in full on hover."""
    if moment is None:
        return DASH
    local, now = timezone.localtime(moment), timezone.localtime()
    words = f"{local.day} {local:%b}{'' if local.year == now.year else f' {local.year}'}, {local:%H:%M}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), _full(local), words)


def exact(moment: datetime | None) -> SafeString | str:
    """`20 Nov 2026, 10:40:01.250 UTC`."""
    if moment is None:
        return DASH
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), _full(local))


def _full(local: datetime) -> str:
    return f"{local.day} {local:%b %Y, %H:%M:%S}.{local.microsecond // 1000:03} {local:%Z}"


def profile(columns: ProfileColumns) -> str:
    """How a call's sound is streamed, in one line."""
    rate = f"{columns.sample_rate_hz / 1000:g} kHz"
    voices = "all speakers in one stream" if columns.channel_type == "mixed" else "one stream per speaker"
    ways = "both ways" if columns.bidirectional else "one way, so nobody hears us"
    start = "at once" if columns.streaming_start == "now" else "when somebody starts it"
    return f"{rate}, {voices}, {ways}, {'with' if columns.dtmf else 'without'} keys, {start}"


def code(*numbers: int | None) -> SafeString | str:
    """Azure's code and subcode, `487/0`, or nothing."""
    known = [str(number) for number in numbers if number is not None]
    return format_html('<code class="code">{}</code>', "/".join(known)) if known else ""


def address(words: str) -> SafeString | str:
    """An id or another thing to copy, in mono."""
    return format_html('<code class="address">{}</code>', words) if words else DASH


def how_it_ended(call: Call) -> SafeString | str:
    if call.is_live:
        return DASH
    return format_html(
        "{} {}", (call.end_text or call.end_message or DASH).rstrip("."), code(call.end_code, call.end_subcode)
    )


def event_words(event: CallEvent) -> SafeString:
    """What happened, in plain words with its colour; the remedy stands below if there is one."""
    explained = _explained(event)
    words = toned(explained[2], explained[3], explained[0])
    return format_html('{}<span class="remedy">{}</span>', words, explained[1]) if explained[1] else words


def _explained(event: CallEvent) -> tuple[str, str, str, str]:
    outbound = event.call is not None and event.call.direction == Call.Direction.OUTBOUND
    found = explain(
        event.type,
        event.code,
        event.subcode,
        event.message,
        "outbound" if outbound else "inbound" if event.call else "",
    )
    return found.text, found.remedy, found.tone, found.icon


def fault(code_word: str, message: str) -> SafeString | str:
    """Why an order or a sound failed: the sentence, then our own code word."""
    return format_html('{} <code class="code">{}</code>', message, code_word) if code_word else DASH


def pretty(content: object) -> SafeString:
    """Azure's JSON, indented, without what is secret in it."""
    shown = redacted(content) if isinstance(content, dict) else content
    return format_html('<pre class="json">{}</pre>', json.dumps(shown, indent=2, ensure_ascii=False))


def voices(call: Call, named: dict[str, str]) -> str:
    """Raw id → text pairs as `Caller: …`, one per voice."""
    return ", ".join(f"{label_of(call, raw_id)}: {words}" for raw_id, words in named.items()) or DASH


def kind(row: Participant) -> str:
    return KINDS.get(row.kind, row.kind)


def presence(row: Participant) -> SafeString:
    if row.left_at or (row.call and not row.call.is_live):
        return toned("off", "exit", "Left")
    if row.on_hold:
        return toned("wait", "pause", "On hold")
    return toned("wait", "mic-off", "Muted") if row.muted else toned("ok", "person", "On the call")


def codec(row: StreamSession) -> str:
    """`16 kHz unmixed, both ways`."""
    ways = "both ways" if row.bidirectional else "one way"
    return f"{khz(row.sample_rate_hz)} {row.channel_type}, {ways}"


def closing(row: StreamSession, *, whole: bool = False) -> SafeString | str:
    """When the socket closed, with its code, and on the row's own page with the reason given."""
    if row.closed_at is None:
        return DASH
    if not whole:
        return format_html("{} {}", when(row.closed_at), code(row.close_code))
    return format_html("{} {} {}", exact(row.closed_at), code(row.close_code), row.close_reason)


def frames(row: StreamSession) -> SafeString:
    """`48,213 in · 1,020 out`."""
    heard, sent = f"{row.frames_received:,}", f"{row.frames_sent:,}"
    return format_html('<span class="digits">{} in · {} out</span>', heard, sent)


def health(row: StreamSession) -> SafeString:
    """Grey when well; else what went wrong, in figures."""
    faults = [f"{length_of(row.lost_ms)} lost"] if row.lost_ms else []
    faults += [f"{row.gaps} gaps"] if row.gaps else []
    faults += [f"{row.malformed} malformed"] if row.malformed else []
    faults += [f"{row.wrong_size} of wrong size"] if row.wrong_size else []
    return toned("wait", "warning", ", ".join(faults)) if faults else toned("off", "check", "Healthy")


def shortened(words: str, limit: int = 80) -> str:
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def after(asked_at: datetime, moment: datetime | None) -> str:
    """How long it took: `0.3 s`."""
    return DASH if moment is None else length_of(max(0, round((moment - asked_at).total_seconds() * 1000)))
