"""The search finds what was said; the same passages on SQLite and on PostgreSQL, which CI both runs this on."""

import random
import string
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User

from calls.models import Call, Segment, Tag
from calls.selectors.search import Asked, Wanted, calls_found, newest_calls, passages, tag_names
from tests.calls.transcripts_scene import AGENT, say, spoken_call

SEER = User(username="seer", is_superuser=True)
CORPUS = (
    "Hi, yes, I was charged twice for the same order.",
    "I can see it, the card was charged at 9:14 and then twice more.",
    "Refunds take three working days, Frau Müller.",
    "My e-mail is o'neil@example.com and the sum was 64.20 euros.",
    "Überweisung nach Łódź, bitte; ¿dónde está?",
    "The house number is 5g, order 48217b, path a/b_c.",
    "Привет, МОСКВА слушает.",
    "<script>alert('refund')</script> & so on",
    "It is later than we thought, a number of times.",
)


def found(q: str, **fields: object) -> set[str]:
    return set(passages(SEER, Wanted(q=q, **fields)).values_list("text", flat=True))  # type: ignore[arg-type]


# Question → which sentences of the corpus answer it.
ANSWERS = [
    ("charged twice", {0, 1}),
    ('"charged twice"', {0}),
    ("„charged twice”", {0}),
    ("charge", {0, 1}),
    ("CHARGED", {0, 1}),
    ("charging twices", {0, 1}),
    ('"charge"', set()),
    ("refund", {2, 7}),
    ('"refund"', {7}),
    ("refund -script", {2}),
    ('refund -"working days"', {7}),
    ("ref*", {2, 7}),
    ("muller", {2}),
    ("MÜLLER", {2}),
    ("uberweisung lodz", set()),  # ł is a letter of its own, not an l with an accent
    ("uberweisung łodz", {4}),
    ("donde esta", {4}),
    ("e-mail", {3}),
    ("mail e", {3}),
    ('"mail e"', set()),
    ("o'neil", {3}),
    ("example.com", {3}),
    ("exam*", {3}),
    ("64.20", {3}),
    ("64,20", {3}),
    ("9:14", {1}),
    ("5g 48217b", {5}),
    ("482*", {5}),
    ("b c", {5}),
    ("a/b_c", {5}),
    ("москва", {6}),
    ("<script>", {7}),
    ('"the house num*"', {5}),
    ("numb", {5, 8}),  # which may end in er
    ("num*", {5, 8}),
    ("late", set()),
    ("nobody said this", set()),
    ("-refund", set()),
    ("", set(range(9))),
    ("   ", set(range(9))),
    ("!!! ???", set()),
    ("*", set()),
    ('"', set()),
]


@pytest.fixture
def corpus(db: None) -> Call:
    return spoken_call(*CORPUS)


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(("question", "answers"), ANSWERS)
def test_a_question_finds_the_same_passages_on_both_databases(question: str, answers: set[int]) -> None:
    assert found(question) == {CORPUS[each] for each in answers}


@pytest.mark.usefixtures("corpus")
def test_a_thousand_hostile_questions_are_answered() -> None:
    dice = random.Random(20261120)
    signs = string.printable + "äßŁ“”„«»'’—…\0\ud800\udfff日本語\u202e\u0301ﬁ²½①٣𝟛👍^~"
    words = [
        "AND",
        "OR",
        "NOT",
        "NEAR",
        "NEAR(a b, 2)",
        "text:",
        "rowid",
        "refund",
        '"',
        "*",
        "-",
        "--",
        "<->",
        "!",
        "a" * 500,
    ]
    for _ in range(1_000):
        parts = [dice.choice(words) if dice.random() < 0.3 else dice.choice(signs) for _ in range(dice.randint(0, 30))]
        question = dice.choice(("", " ")).join(parts)
        assert isinstance(
            passages(SEER, Wanted(q=question, participant=question[:9], number=question[:9])).count(), int
        )
    long = " ".join(f"charge{each}{other}" for each in string.ascii_lowercase for other in string.ascii_lowercase)
    assert passages(SEER, Wanted(q=long)).count() == 0


def test_partials_gaps_and_what_was_recognised_before_a_correction_are_not_found(corpus: Call) -> None:
    say(corpus, "zebra one", at_s=200, final=False)
    say(corpus, "zebra two", at_s=210, kind=Segment.Kind.GAP)
    corrected = say(corpus, "zebra three", at_s=220)
    assert found("zebra") == {"zebra three"}
    corrected.text = "giraffe three"
    corrected.save()
    assert (found("zebra"), found("giraffe")) == (set(), {"giraffe three"})
    Segment.objects.filter(text="zebra one").update(final=True)
    assert found("zebra") == {"zebra one"}
    corpus.delete()
    assert found("zebra") == set()


def test_only_who_may_see_calls_finds_anything(corpus: Call) -> None:
    assert not passages(AnonymousUser(), Wanted(q="refund")).exists()
    nobody = User.objects.create_user("nobody")
    assert calls_found(nobody, Wanted(q="refund")).found == []
    assert calls_found(nobody, Wanted(direction="inbound")).found == []


def test_passages_are_grouped_by_call_newest_first_or_most_first(db: None) -> None:
    many = spoken_call(*(f"refund number {each}" for each in range(7)), number="+14255550101")
    newest = spoken_call("one refund", number="+14255550102", created_at=datetime(2026, 11, 21, tzinfo=UTC))
    page = calls_found(SEER, Wanted(q="refund"))
    assert (page.passages, page.calls, page.next, page.previous) == (8, 2, None, None)
    assert [(each.row["id"], each.count, len(each.passages), each.more) for each in page.found] == [
        (str(newest.pk), 1, 1, 0),
        (str(many.pk), 7, 5, 2),
    ]
    best = calls_found(SEER, Wanted(q="refund"), best=True)
    assert [each.row["id"] for each in best.found] == [str(many.pk), str(newest.pk)]
    first = page.found[1].passages[0]
    assert first["snippet"] == "<mark>refund</mark> number 0"
    assert (first["start_s"], first["end_s"], first["speaker"], first["rank"]) == (5.0, 8.5, "Caller", 1)
    assert first["url"] == f"/calls/{many.pk}/?t=5.0"
    assert page.found[1].passages[1]["speaker"] == "Sana Malik"


def test_pages_of_calls_follow_each_other_without_a_call_twice(db: None) -> None:
    for number in range(23):
        spoken_call("refund", number=f"+142555500{number:02}")
    first, second = (calls_found(SEER, Wanted(q="refund"), page=each) for each in (1, 2))
    assert (len(first.found), first.next, len(second.found), second.next, second.previous) == (20, 2, 3, None, 1)
    assert len({each.row["id"] for each in (*first.found, *second.found)}) == 23


def test_queries_do_not_grow_with_what_is_found(db: None, django_assert_num_queries: object) -> None:
    for number in range(6):
        spoken_call("refund", "refund", number=f"+142555500{number:02}")
    with django_assert_num_queries(6):  # type: ignore[operator]
        calls_found(SEER, Wanted(q="refund"))


def test_filters_narrow_the_calls_that_are_looked_at(db: None) -> None:
    call = spoken_call("refund one", "refund two", policy_name="Support line")
    other = spoken_call(
        "refund three", number="+493012345678", agent="Tom", direction="outbound", ended_at=None, state="connected"
    )
    Tag.objects.create(name="Angry").calls.add(call)
    ours, theirs = {"refund one", "refund two"}, {"refund three"}
    assert found("refund", number="425 555-0126") == ours
    assert found("refund", number="+49 30 1234") == theirs
    assert found("refund", policy="support LINE") == ours
    assert found("refund", tags=("angry",)) == ours
    assert found("refund", tags=("angry", "other")) == set()
    assert found("refund", direction="outbound") == theirs
    assert found("refund", max_s=300.0) == ours
    assert found("refund", min_s=300.0) == theirs  # it lives, so it is long by now
    assert found("refund", state="live") == theirs
    assert found("refund", since=call.created_at, until=call.created_at + timedelta(seconds=1)) == ours | theirs
    assert found("refund", since=call.created_at + timedelta(seconds=1)) == set()
    assert found("refund", about="Support") == ours
    assert found("refund", participant="caller") == {"refund one", "refund three"}
    assert found("refund", participant="callee") == set()
    assert found("refund", participant="sana") == {"refund two"}
    assert found("refund", participant=AGENT) == {"refund two"}
    assert found("refund", participant="+1 425 555 0126") == {"refund one"}
    assert found("", participant="sana") == {"refund two"}
    assert newest_calls(SEER, Wanted(participant="sana")) == [call.pk]
    assert set(newest_calls(SEER, Wanted())) == {call.pk, other.pk}
    assert tag_names() == ["Angry"]


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        ("refund", "A <b>refund</b> & more", "A &lt;b&gt;<mark>refund</mark>&lt;/b&gt; &amp; more"),
        ("charge twice", "charged twice, twice", "<mark>charged twice</mark>, <mark>twice</mark>"),
        ('"a b"', "a a b a", "a <mark>a b</mark> a"),
        ("mull*", "Frau Müllerin", "Frau <mark>Müllerin</mark>"),
        ("refund -twice", "refund <mark>", "<mark>refund</mark> &lt;mark&gt;"),
    ],
)
def test_a_snippet_holds_marks_and_no_other_markup(db: None, question: str, text: str, marked: str) -> None:
    spoken_call(text)
    assert calls_found(SEER, Wanted(q=question)).found[0].passages[0]["snippet"] == marked


def test_a_long_turn_is_cut_around_what_was_found(db: None) -> None:
    spoken_call("word " * 300 + "needle " + "word " * 300)
    snippet = calls_found(SEER, Wanted(q="needle")).found[0].passages[0]["snippet"]
    assert "<mark>needle</mark>" in snippet
    assert len(snippet) < 400
    assert snippet.startswith("…word")
    assert snippet.endswith("word…")


def test_a_question_keeps_no_more_terms_than_may_be() -> None:
    asked = Asked.read(" ".join(f"word{each}x" for each in range(40)))
    assert len(asked.wanted) == 16
    assert not Asked.read("-only -unwanted")
