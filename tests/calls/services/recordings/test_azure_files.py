from typing import Any

import pytest

from calls.services.recordings.azure_files import files_in


def told(**members: Any) -> dict[str, Any]:
    about = {
        "recordingStorageInfo": {
            "recordingChunks": [{"documentId": "0-eus-d1", "index": 0, "endReason": "SessionEnded"}]
        },
        "recordingStartTime": "2026-11-20T10:00:00.000Z",
        "recordingDurationMs": 12_500,
    }
    subject = "/recording/call/x/serverCallId/aHR0cHM6Ly9/b==/recordingId/eyJQbGF0%3D"
    return {"subject": subject, "data": about | members}


def test_the_subject_names_the_recording_and_its_call_whatever_their_ids_hold() -> None:
    found = files_in(told())
    assert (found.recording_id, found.server_call_id) == ("eyJQbGF0=", "aHR0cHM6Ly9/b==")
    assert found.started_at is not None
    assert found.started_at.isoformat() == "2026-11-20T10:00:00+00:00"
    [file] = found.files
    assert (file["document_id"], file["duration_s"], file["end_reason"]) == ("0-eus-d1", 12.5, "SessionEnded")


def test_the_length_of_many_files_is_no_length_of_each() -> None:
    chunks = [{"documentId": f"part-{at}", "index": at} for at in range(3)]
    found = files_in(told(recordingStorageInfo={"recordingChunks": chunks}))
    assert [each["document_id"] for each in found.files] == ["part-0", "part-1", "part-2"]
    assert {each["duration_s"] for each in found.files} == {None}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"subject": 7, "data": None},
        {"data": {"recordingStorageInfo": None, "recordingStartTime": "soon"}},
        told(recordingStorageInfo={"recordingChunks": ["x", None]}, recordingStartTime="2026-99-99T10:00:00Z"),
    ],
)
def test_what_cannot_be_read_is_left_out(raw: dict[str, Any]) -> None:
    found = files_in(raw)
    assert (found.files, found.started_at) == ([], None)
