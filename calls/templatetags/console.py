"""What templates need to say times, levels and sizes as the console does, and to draw an icon."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.selectors import CallRow
from calls.views import looks
from calls.views.happenings import VERB_WORDS, steps
from calls.views.looks import LOOKS, Look
from calls.views.said import nothing_said, source_words

register = template.Library()

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """A symbol of static/icons.svg; it is decoration, so the word beside it must say the same."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>', extra, static("icons.svg"), name
    )


@register.filter
def clock(seconds: float | None) -> str:
    """247 → `4:07`, 4327 → `1:12:07`; None → an en dash."""
    if seconds is None:
        return DASH
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def offset(seconds: float) -> str:
    """A moment on the call's clock: 70.4 → `1:10.4`, before it connected −4.2 → `−0:04.2`."""
    tenths = round(abs(seconds) * 10)
    sign = MINUS if seconds < 0 and tenths else ""
    return f"{sign}{clock(tenths // 10)}.{tenths % 10}"


@register.filter
def length_of(milliseconds: int | None) -> str:
    """8,400 ms → `8.4 s`, 62,000 ms → `1:02`; None → an en dash."""
    if milliseconds is None:
        return DASH
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 60_000 else clock(milliseconds / 1000)


@register.filter
def khz(rate_hz: int | None) -> str:
    """16000 → `16 kHz`, 44100 → `44.1 kHz`."""
    return DASH if rate_hz is None else f"{rate_hz / 1000:g} kHz"


@register.filter
def db(gain_db: float) -> str:
    """−3.0 → `−3 dB`, with a real minus."""
    return f"{gain_db:g} dB".replace("-", MINUS)


@register.filter
def bytes(count: int) -> str:  # noqa: A001 (templates say `clip.size|bytes`)
    """Bytes in the unit that leaves two or three digits: 1234567 → `1.2 MB`."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


@register.filter
def percent(share: float) -> str:
    """0.347 → `35 %`."""
    return f"{share * 100:.0f} %"


@register.filter
def add_up(one: float, other: float) -> float:
    return one + other


@register.filter
def share_of(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


@register.filter
def shares(theirs: float, ours: float) -> list[tuple[str, str, str]]:
    """The parts of a bar of 100: name, where it begins, how wide it is."""
    return [("theirs", "0", f"{theirs * 100:.2f}"), ("ours", f"{theirs * 100:.2f}", f"{ours * 100:.2f}")]


@register.filter
def moment(text: str | None) -> datetime | None:
    """The ISO text of a selector as a datetime, for `date` and `timesince`."""
    return parse_datetime(text) if text else None


@register.simple_tag
def when(text: str | None, shape: str = "clock") -> SafeString | str:
    """A moment as `<time>`: UTC until the page's script shows it in the reader's own zone.

    `shape` is `clock` (10:41:02), `day` (20 Nov, 10:41) or `ago` (38 s ago, counted by the script).
    """
    found = moment(text)
    if found is None:
        return DASH
    words = f"{found:%H:%M:%S} UTC" if shape == "clock" else f"{found.day} {found:%b, %H:%M} UTC"
    return format_html('<time datetime="{}" data-shape="{}">{}</time>', text, shape, words)


@register.simple_tag
def icons() -> str:
    """The address of the sprite, for `<use>` elements whose symbol a script changes."""
    return static("icons.svg")


@register.filter
def look(row: CallRow) -> Look:
    return LOOKS[looks.look_name(row)]


register.filter("phase", looks.phase)
register.filter("line", looks.line)
register.filter("happened", looks.happened)
register.filter("legs", looks.legs)
register.filter("end_code", looks.end_code)
register.filter("stream_words", looks.stream_words)
register.filter("stream_icon", looks.stream_icon)
register.filter("counts_from", looks.counts_from)
register.filter("person_line", looks.person_line)
register.filter("steps", steps)
register.filter("source_words", source_words)
register.filter("nothing_said", nothing_said)


@register.filter
def verb_words(verb: str) -> str:
    """`hang_up` → `Hang up`."""
    return VERB_WORDS[verb][1]
