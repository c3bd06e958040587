import pytest
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from calls.api.finding import CallsExportAsked, ExportAsked, SearchAsked, asked_in
from calls.exports import Audio


def test_what_is_left_empty_narrows_nothing() -> None:
    wanted = asked_in(QueryDict("q=refund&since=&tag=&number="), SearchAsked).wanted()
    assert (wanted.q, wanted.since, wanted.tags, wanted.number) == ("refund", None, (), "")


def test_many_tags_and_a_lost_plus_are_understood() -> None:
    wanted = asked_in(QueryDict("q=x&tag=a&tag=b&since=2026-11-20T10:00:00+01:00"), SearchAsked).wanted()
    assert wanted.tags == ("a", "b")
    assert wanted.since is not None
    assert wanted.since.isoformat() == "2026-11-20T09:00:00+00:00"


@pytest.mark.parametrize("redact", ["redact=digits,numbers", "redact=digits&redact=numbers"])
def test_what_to_hide_may_come_in_both_ways(redact: str) -> None:
    options = asked_in(QueryDict(f"format=zip&{redact}"), ExportAsked).options()
    assert (options.digits, options.numbers, options.redacted) == (True, True, "digits,numbers")


def test_sound_that_is_not_named_is_left_to_the_export() -> None:
    assert asked_in(QueryDict("format=zip"), ExportAsked).options().audio is None
    assert asked_in(QueryDict("format=zip&audio=tracks"), ExportAsked).options().audio is Audio.TRACKS


@pytest.mark.parametrize(
    "query", ["", "format=doc", "format=csv&redact=names", "format=zip&audio=mp3", "format=csv&x=1"]
)
def test_an_export_that_cannot_be_made_is_refused(query: str) -> None:
    with pytest.raises(ValidationError):
        asked_in(QueryDict(query), CallsExportAsked)
