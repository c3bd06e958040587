import pytest

from tests.calls.api.door import Door
from tests.calls.transcripts_scene import spoken_call

pytestmark = pytest.mark.django_db


def test_a_result_names_call_segment_snippet_and_second(integrator: Door) -> None:
    call = spoken_call("I was <charged> twice.", "Sorry.", "Charged again?")
    answer = integrator.get("search/", q="charged").json
    assert (answer["count"], answer["calls"], answer["next"], answer["previous"]) == (2, 1, None, None)
    newest, oldest = answer["results"]
    assert newest["start_s"] == 25.0
    assert oldest == {
        "call": str(call.pk),
        "segment": str(call.segments.get(seq=1).pk),
        "snippet": "I was &lt;<mark>charged</mark>&gt; twice.",
        "start_s": 5.0,
        "end_s": 8.5,
        "raw_id": "4:+14255550126",
        "speaker": "Caller",
        "said_at": "2026-11-20T10:17:08.000Z",
        "language": "en-US",
        "corrected": False,
        "rank": 1,
        "url": f"/calls/{call.pk}/?t=5.0",
    }


def test_pages_follow_each_other(integrator: Door) -> None:
    spoken_call(*(f"refund {each}" for each in range(5)))
    first = integrator.get("search/", q="refund", page_size="2").json
    second = integrator.get(first["next"]).json
    third = integrator.get(second["next"]).json
    said = [each["snippet"][-1] for page in (first, second, third) for each in page["results"]]
    assert (said, third["next"]) == (["4", "3", "2", "1", "0"], None)
    assert integrator.get(third["previous"]).json["results"] == second["results"]


def test_filters_narrow_it_down(integrator: Door) -> None:
    call = spoken_call("refund one", "refund two")
    spoken_call("refund three", number="+493012345678", direction="outbound", policy_name="Sales")
    integrator.post(f"calls/{call.pk}/tags/", {"name": "angry"})

    def count(**query: object) -> int:
        answer = integrator.get("search/", q="refund", **query)
        assert answer.status == 200, answer
        return int(answer.json["count"])

    assert (count(), count(number="425 555"), count(policy="Sales"), count(direction="outbound")) == (3, 2, 1, 1)
    assert (count(tag="angry"), count(tag=["angry", "calm"]), count(participant="sana")) == (2, 0, 1)
    assert (count(min_duration_s="300"), count(max_duration_s="300")) == (0, 3)
    assert (count(since="2026-11-20T10:17:00Z"), count(until="2026-11-20T10:17:00Z"), count(about="Sales")) == (3, 0, 1)
    assert count(since="") == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "x", "since": "yesterday"}, "since"),
        ({"q": "x", "min_duration_s": "long"}, "min_duration_s"),
        ({"q": "x", "direction": "sideways"}, "direction"),
        ({"q": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_question_that_cannot_be_read_is_refused_by_field(
    integrator: Door, query: dict[str, str], field: str
) -> None:
    answer = integrator.get("search/", **query)
    assert (answer.status, list(answer.error["fields"])) == (400, [field])


def test_signs_without_a_word_find_nothing(integrator: Door) -> None:
    spoken_call("refund")
    for question in ('"', "-", "*", "()", "-refund", "' OR 1=1 --x*"):
        answer = integrator.get("search/", q=question)
        assert (answer.status, answer.json["results"]) == (200, []), question


def test_queries_do_not_grow_with_what_is_found(integrator: Door, django_assert_max_num_queries: object) -> None:
    for number in range(8):
        spoken_call("refund", number=f"+1425555010{number}")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        integrator.get("search/", q="refund")
