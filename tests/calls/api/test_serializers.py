"""The schema's shapes say what `calls.selectors` sends: member by member, null by null, enum by enum."""

from datetime import UTC, datetime
from typing import Any, get_type_hints
from uuid import UUID

import pytest
from django.db import models
from rest_framework import serializers as drf

from calls import live, selectors
from calls.api import finding, serializers, timeline
from calls.models import Call, CallEvent, Command, Injection, StreamSession
from calls.selectors.annotations import NoteJson
from calls.selectors.search import PassageJson

PAIRS = [
    (NoteJson, finding.NoteShape),
    (PassageJson, finding.PassageShape),
    (selectors.FaultJson, serializers.FaultShape),
    (selectors.ParticipantJson, serializers.ParticipantShape),
    (selectors.EndJson, serializers.EndShape),
    (selectors.StreamingJson, serializers.StreamingShape),
    (selectors.StreamJson, serializers.StreamShape),
    (selectors.CommandJson, serializers.CommandShape),
    (selectors.InjectionJson, serializers.InjectionShape),
    (selectors.EventJson, serializers.EventShape),
    (selectors.ClipJson, serializers.ClipShape),
    (timeline.MomentJson, serializers.MomentShape),
    (live.Level, serializers.LevelShape),
]


@pytest.mark.parametrize(("answer", "shape"), PAIRS)
def test_a_shape_has_the_members_that_are_sent(answer: Any, shape: Any) -> None:
    hints, fields = get_type_hints(answer), shape().fields
    assert list(fields) == list(hints)
    assert {name for name, hint in hints.items() if "None" in str(hint)} == {
        name for name, field in fields.items() if field.allow_null
    }
    optional = answer.__optional_keys__ - {"raw"}  # only the API sends it, and always
    assert {name for name, field in fields.items() if not field.required} == optional


def test_a_call_is_its_row_with_levels_and_azures_names() -> None:
    assert list(serializers.CallShape().fields) == [*get_type_hints(selectors.CallRow), "levels", "health", "acs"]


@pytest.mark.parametrize(
    ("shape", "member", "choices"),
    [
        (serializers.CallShape, "state", Call.State),
        (serializers.CallShape, "direction", Call.Direction),
        (serializers.StreamingShape, "state", Call.Streaming),
        (serializers.StreamShape, "state", StreamSession.State),
        (serializers.CommandShape, "state", Command.State),
        (serializers.CommandShape, "verb", Command.Verb),
        (serializers.InjectionShape, "state", Injection.State),
        (serializers.InjectionShape, "kind", Injection.Kind),
        (serializers.EventShape, "source", CallEvent.Source),
    ],
)
def test_an_enum_lists_what_a_row_can_hold(shape: Any, member: str, choices: type[models.TextChoices]) -> None:
    field = shape().fields[member]
    assert isinstance(field, drf.ChoiceField)
    assert list(field.choices) == choices.values


def test_times_are_iso_8601_in_utc() -> None:
    call = Call(id=UUID(int=1), created_at=datetime(2026, 11, 20, 10, 5, 0, 123456, UTC))
    stream = StreamSession(call=call, opened_at=call.created_at)
    assert selectors.stream_json(stream)["opened_at"] == "2026-11-20T10:05:00.123Z"
