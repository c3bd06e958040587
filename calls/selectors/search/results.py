"""What a search finds: passages, newest first, or grouped by the calls on which they were said."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from uuid import UUID

from django.db.models import Count, F, Lookup, Max, QuerySet, TextField, Window
from django.db.models.functions import RowNumber
from django.utils.html import escape

from calls.models import Call, Segment
from calls.selectors.calls import call_row, people
from calls.selectors.records import iso_of
from calls.selectors.search.finding import Wanted, calls_that, said_by, spoken
from calls.selectors.search.language import Asked
from calls.selectors.shapes import CallRow
from calls.selectors.voices import speaker
from calls.visibility import Viewer

PAGE: Final = 20
PASSAGES: Final = 5
# Signs of a passage that are shown around what was found.
_BEFORE, _LONGEST = 90, 320


class PassageJson(TypedDict):
    """`snippet` is HTML that holds marks and nothing else; `rank` counts what is marked."""

    call: str
    segment: str
    snippet: str
    start_s: float
    end_s: float
    raw_id: str
    speaker: str
    said_at: str
    language: str
    corrected: bool
    rank: int
    url: str


@dataclass(frozen=True, slots=True)
class CallFound:
    row: CallRow
    passages: list[PassageJson]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.passages)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of calls; `passages` and `calls` count all that was found, not this page alone."""

    found: list[CallFound]
    passages: int
    calls: int
    number: int

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.calls > self.number * PAGE else None

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None


@TextField.register_lookup
class Says(Lookup[Any]):
    """`text__says=Asked`: by the index of calls/operations/search_index.py, so for final segments of speech alone."""

    lookup_name = "says"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [value.for_postgresql if connection.vendor == "postgresql" else value.for_sqlite]

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        text, before = self.process_lhs(compiler, connection)
        asked, params = self.process_rhs(compiler, connection)
        return f"calls_said({text}) @@ to_tsquery('pg_catalog.simple', {asked})", [*before, *params]

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        row = f'{compiler.quote_name_unless_alias(self.lhs.alias)}."id"'
        asked, params = self.process_rhs(compiler, connection)
        numbers = f"SELECT rowid FROM calls_said_words WHERE calls_said_words MATCH {asked}"  # noqa: S608 (a %s)
        return f"{row} IN (SELECT segment_id FROM calls_said WHERE number IN ({numbers}))", params  # noqa: S608


def passages(viewer: Viewer, wanted: Wanted) -> QuerySet[Any]:
    """The segments that say what is asked for, in no order; without a question, all that `participant` said."""
    said = spoken(viewer).order_by()
    if wanted.q.strip():
        asked = Asked.read(wanted.q)
        said = said.filter(text__says=asked) if asked else said.none()
    said = said_by(said, wanted.participant)
    plain = wanted == Wanted(q=wanted.q, participant=wanted.participant)
    return said if plain else said.filter(call__in=calls_that(viewer, wanted).values("pk"))


def newest_calls(viewer: Viewer, wanted: Wanted) -> list[UUID]:
    """Every call that fits, newest first; if words or a person are asked for, those on which it was said."""
    calls = calls_that(viewer, wanted)
    if wanted.q.strip() or wanted.participant:
        calls = calls.filter(pk__in=passages(viewer, wanted).values("call_id"))
    return list(calls.order_by("-created_at", "-id").values_list("pk", flat=True))


def calls_found(viewer: Viewer, wanted: Wanted, *, page: int = 1, best: bool = False) -> Page:
    """A page of calls with their first passages; newest first, or those with the most passages first.

    Without a question these are the calls that fit, without passages.
    """
    if not wanted.q.strip():
        return _calls_alone(viewer, wanted, page)
    asked = Asked.read(wanted.q)
    said = passages(viewer, wanted)
    counted = said.values("call_id").annotate(count=Count("pk"), at=Max("call__created_at"))
    order = ("-count", "-at", "-call_id") if best else ("-at", "-call_id")
    sums = said.aggregate(passages=Count("pk"), calls=Count("call_id", distinct=True))
    cut = [(each["call_id"], each["count"]) for each in counted.order_by(*order)[(page - 1) * PAGE : page * PAGE]]
    calls = Call.objects.prefetch_related(people(), "tags").in_bulk([call_id for call_id, _ in cut])
    shown = _first_of_each(said, [call_id for call_id, _ in cut])
    found = [
        CallFound(
            call_row(calls[call_id]), [passage_json(each, calls[call_id], asked) for each in shown[call_id]], count
        )
        for call_id, count in cut
        if call_id in calls
    ]
    return Page(found, sums["passages"], sums["calls"], page)


def _calls_alone(viewer: Viewer, wanted: Wanted, page: int) -> Page:
    ids = newest_calls(viewer, wanted)
    cut = ids[(page - 1) * PAGE : page * PAGE]
    calls = Call.objects.prefetch_related(people(), "tags").in_bulk(cut)
    return Page([CallFound(call_row(calls[each]), [], 0) for each in cut if each in calls], 0, len(ids), page)


def passage_json(segment: Segment, call: Call, asked: Asked) -> PassageJson:
    marks = asked.marks(segment.text)
    start_s = round((segment.started_at - call.since).total_seconds(), 3)
    return {
        "call": str(call.pk),
        "segment": str(segment.pk),
        "snippet": snippet(segment.text, marks),
        "start_s": start_s,
        "end_s": round((segment.ended_at - call.since).total_seconds(), 3),
        "raw_id": segment.raw_id,
        "speaker": speaker(call, segment.raw_id),
        "said_at": iso_of(segment.started_at),
        "language": segment.language,
        "corrected": segment.original_text is not None,
        "rank": len(marks),
        "url": f"{call.get_absolute_url()}?t={max(0.0, start_s):.1f}",
    }


def snippet(text: str, marks: list[tuple[int, int]]) -> str:
    """The text around the marks as HTML: everything is escaped, and what was found stands in <mark>."""
    first = marks[0][0] if marks else 0
    start = 0 if len(text) <= _LONGEST or first <= _BEFORE else text.rfind(" ", 0, first - _BEFORE // 2) + 1
    end = len(text) if len(text) - start <= _LONGEST else text.rfind(" ", start + _BEFORE, start + _LONGEST)
    end = start + _LONGEST if end <= start else end
    parts, at = ["…" if start else ""], start
    for opens, closes in marks:
        if opens >= at and closes <= end:
            parts += [escape(text[at:opens]), "<mark>", escape(text[opens:closes]), "</mark>"]
            at = closes
    return "".join([*parts, escape(text[at:end]), "…" if end < len(text) else ""])


def _first_of_each(said: QuerySet[Any], calls: list[UUID]) -> dict[UUID, list[Segment]]:
    number = Window(RowNumber(), partition_by=F("call_id"), order_by=("started_at", "pk"))
    rows = said.filter(call_id__in=calls).annotate(number=number).filter(number__lte=PASSAGES)
    found: dict[UUID, list[Segment]] = defaultdict(list)
    for each in rows.order_by("started_at", "pk"):
        found[each.call_id].append(each)
    return found
