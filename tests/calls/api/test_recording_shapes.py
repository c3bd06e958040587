"""What the schema says of recordings is what the API sends."""

import typing

from calls.api.recording_shapes import HoleShape, PeaksShape, RecordedTrackShape
from calls.selectors.recordings import HoleJson, RecordingJson
from streaming.recording.peaks import Window


def test_shapes_have_the_members_of_the_json() -> None:
    for shape, json_type in ((RecordedTrackShape, RecordingJson), (HoleShape, HoleJson), (PeaksShape, Window)):
        assert list(shape().fields) == list(typing.get_type_hints(json_type))
