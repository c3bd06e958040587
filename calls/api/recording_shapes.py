"""Recordings in the schema, and what their list can be narrowed to."""

import django_filters
from rest_framework import serializers

from calls.api.filters import MomentFilter
from calls.models import Recording


class HoleShape(serializers.Serializer[object]):
    from_s = serializers.FloatField(help_text="Seconds from the recording's start.")
    to_s = serializers.FloatField()
    why = serializers.CharField(help_text="pause, sensitive, gap or disk.")


class RecordedTrackShape(serializers.Serializer[object]):
    id = serializers.UUIDField()
    call = serializers.UUIDField()
    take = serializers.UUIDField(help_text="Tracks of one take begin and end together.")
    number = serializers.IntegerField(help_text="The take's number in its call.")
    state = serializers.ChoiceField(choices=Recording.State.choices)
    track = serializers.ChoiceField(choices=Recording.Track.choices)
    raw_id = serializers.CharField(help_text="Whose voice it is; empty for what we played and for the mixture.")
    label = serializers.CharField(help_text="Whose sound it is, for people.")  # type: ignore[assignment]
    sample_rate_hz = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    offset_s = serializers.FloatField(help_text="Where it begins in the call's time.")
    duration_s = serializers.FloatField(allow_null=True)
    silence_ms = serializers.IntegerField(help_text="Of it, where nothing was sent.")
    lost_ms = serializers.IntegerField(help_text="Of it, what is missing though it was spoken.")
    held_ms = serializers.IntegerField(help_text="Of it, what was held back by a pause.")
    holes = HoleShape(many=True)
    recovered = serializers.BooleanField(help_text="Put together after its process was gone.")
    size = serializers.IntegerField(allow_null=True, help_text="Bytes of the FLAC file.")
    sha256 = serializers.CharField(help_text="Of the FLAC file.")
    formats = serializers.ListField(child=serializers.CharField(), help_text="Empty while it cannot be heard.")
    url = serializers.CharField(allow_null=True, help_text="Its sound; null while it cannot be heard.")
    peaks_url = serializers.CharField(allow_null=True, help_text="Its outline.")
    error = serializers.CharField(help_text="Why it failed, or why it is not stored yet.")


class PeaksShape(serializers.Serializer[object]):
    per_s = serializers.IntegerField(help_text="Spans to the second.")
    from_s = serializers.FloatField(help_text="Where the first span begins.")
    duration_s = serializers.FloatField(help_text="Of the whole recording.")
    peaks = serializers.ListField(
        child=serializers.IntegerField(min_value=-128, max_value=127),
        help_text="Lowest and highest sample of each span, one after the other.",
    )


class RecordingFilter(django_filters.FilterSet):  # type: ignore[misc]
    call = django_filters.UUIDFilter(field_name="call_id", help_text="Of one call.")
    take = django_filters.UUIDFilter(field_name="take_id", help_text="Of one take.")
    state = django_filters.MultipleChoiceFilter(
        choices=Recording.State.choices, help_text="One or more, as state=complete&state=deleted."
    )
    track = django_filters.MultipleChoiceFilter(choices=Recording.Track.choices, help_text="One or more.")
    since = MomentFilter(field_name="take__started_at", lookup_expr="gte", help_text="Begun at or after this time.")
    until = MomentFilter(field_name="take__started_at", lookup_expr="lt", help_text="Begun before this time.")

    class Meta:
        model = Recording
        fields: tuple[str, ...] = ()
