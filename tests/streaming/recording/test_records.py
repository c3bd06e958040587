from pathlib import Path

from streaming.recording.records import (
    RECORD,
    Kind,
    TakeHead,
    TrackHead,
    Why,
    head_bytes,
    index_name,
    manifest_bytes,
    pcm_name,
    record_bytes,
)
from streaming.recording.wal import read_take

HEAD = TakeHead("take-1", "call-1", 24_000, "2026-11-20T12:00:00+00:00", "portal-1")
TRACK = TrackHead("recording-1", "participant", "8:acs:Zoë \U0001f600", "0", by_azure=True)


def test_a_record_has_thirty_two_bytes_and_all_in_it_counts() -> None:
    record = record_bytes(7, Kind.SOUND, 1 << 40, 320, Why.GAP, 640, 0xDEADBEEF)
    assert len(record) == RECORD.size == 32
    assert record != record_bytes(7, Kind.SOUND, 1 << 40, 321, Why.GAP, 640, 0xDEADBEEF)


def test_what_is_written_by_hand_is_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest_bytes(HEAD, [TRACK], late=0))
    (tmp_path / "take.idx").write_bytes(head_bytes(HEAD) + record_bytes(0, Kind.END, 2_400))
    quiet = record_bytes(0, Kind.QUIET, 0, 1_200)
    (tmp_path / index_name(TRACK)).write_bytes(head_bytes(HEAD, TRACK) + quiet)
    (tmp_path / pcm_name(TRACK)).write_bytes(b"")
    files = read_take(tmp_path)
    [track] = files.tracks
    assert (files.call, files.rate_hz, files.duration_s, files.recovered) == ("call-1", 24_000, 0.1, False)
    assert (track.raw_id, track.recording, track.silence_ms) == (TRACK.raw_id, "recording-1", 50)
