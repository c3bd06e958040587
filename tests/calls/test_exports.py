"""Each format read back by a reader of its own, redaction, sound in a zip, and what is refused and recorded."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile

from calls.errors import BadInput, NotAllowed
from calls.exports import FORMATS, Audio, Options, export_calls
from calls.exports.as_csv import BOM
from calls.exports.exporting import PIECE_BYTES
from calls.exports.redaction import Redaction, hide_digits, hide_digits_in, hide_numbers
from calls.models import AuditEntry, Call, Recording, Segment, Take
from calls.services import Actor
from calls.services.transcripts.annotations import correct_segment, tag_call, write_note
from tests.calls.scene import wav
from tests.calls.subtitles import Line, read_srt, read_vtt
from tests.calls.transcripts_scene import CALLER, say, spoken_call

ANA = Actor("user", "ana", "api")
LAST = "Call +1 425 555 0188, code 4 2 4 2."
ROOT = User(username="root", is_superuser=True)
pytestmark = pytest.mark.django_db


def exported(shape: str, *calls: Call, one: bool = True, viewer: Any = ROOT, **options: Any) -> bytes:
    asked = Options(shape, **options)
    return b"".join(export_calls(ANA, viewer, [each.pk for each in calls], asked, one=calls[0] if one else None).pieces)


@pytest.fixture
def call() -> Call:
    return spoken_call(
        "I was <charged> & billed --> twice.", "Sorry,\n\nreally.", "Call +1 425 555 0188, code 4 2 4 2."
    )


def test_webvtt_is_read_back_with_its_voices(call: Call) -> None:
    say(call, "nothing was heard", at_s=26, kind="gap")
    say(call, "before it connected", at_s=-2)
    say(call, "still speaking", at_s=90, final=False)
    assert read_vtt(exported("vtt", call).decode()) == [
        Line(0.0, 1.5, "Caller", "before it connected"),
        Line(5.0, 8.5, "Caller", "I was <charged> & billed --> twice."),
        Line(15.0, 18.5, "Sana Malik", "Sorry, really."),
        Line(25.0, 28.5, "Caller", "Call +1 425 555 0188, code 4 2 4 2."),
        Line(26.0, 29.5, "", "[nothing was heard]"),
    ]
    assert len(read_vtt(exported("vtt", call, final=False).decode())) == 6


def test_srt_is_read_back_and_its_arrows_are_words(call: Call) -> None:
    assert read_srt(exported("srt", call).decode()) == [
        Line(5.0, 8.5, "", "Caller: I was <charged> & billed → twice."),
        Line(15.0, 18.5, "", "Sana Malik: Sorry, really."),
        Line(25.0, 28.5, "", "Caller: Call +1 425 555 0188, code 4 2 4 2."),
    ]


def test_a_call_on_which_nothing_was_said_is_still_a_file() -> None:
    silent = spoken_call()
    assert read_vtt(exported("vtt", silent).decode()) == []
    assert read_srt(exported("srt", silent).decode()) == []
    assert json.loads(exported("json", silent))["calls"][0]["segments"] == []
    assert len(list(csv.reader(io.StringIO(exported("csv", silent).decode())))) == 2


def test_json_holds_calls_with_all_that_is_known(call: Call) -> None:
    tag_call(ANA, call, "refund")
    write_note(ANA, call, "Wants a letter.", 63.2)
    correct_segment(ANA, call.segments.get(seq=2), "Sorry.")
    told = json.loads(exported("json", call, spoken_call(number="+14255550127"), one=False))
    first, second = told["calls"]
    assert (first["id"], first["tags"], first["duration_s"]) == (str(call.pk), ["refund"], 247.0)
    assert [each["text"] for each in first["notes"]] == ["Wants a letter."]
    assert [each["text"] for each in first["segments"]][1] == "Sorry."
    assert first["segments"][1]["original_text"] == "Sorry,\n\nreally."
    assert second["segments"] == []


def test_csv_has_a_row_per_turn_and_no_formula(call: Call) -> None:
    say(call, '=HYPERLINK("http://evil")', at_s=40)
    say(call, " @SUM(1)", at_s=41)
    say(call, '-2+3 "quoted", comma\nline', at_s=42)
    text = exported("csv", call, bom=True).decode()
    assert text.startswith(BOM)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))
    assert [each["text"] for each in rows[3:]] == [
        '\'=HYPERLINK("http://evil")',
        "' @SUM(1)",
        '\'-2+3 "quoted", comma\nline',
    ]
    first = rows[0]
    assert (first["call"], first["caller"], first["start_s"], first["speaker"]) == (
        str(call.pk),
        "+14255550126",
        "5.0",
        "Caller",
    )
    assert (first["final"], first["corrected"], first["duration_s"]) == ("yes", "no", "247.0")
    assert not exported("csv", call).decode().startswith(BOM)


def test_plain_text_reads_like_a_page(call: Call) -> None:
    write_note(ANA, call, "Wants a letter.", 63.2)
    text = exported("txt", call).decode()
    assert text.startswith(f"Call {call.pk}\nInbound, +1 425 555 0126 with +1 800 555 0100, 2026-11-20 10:17:03 UTC")
    assert "0:05.0  Caller: I was <charged> & billed --> twice.\n0:15.0  Sana Malik: Sorry, really.\n" in text
    assert text.endswith("Note by ana at 1:03.2: Wants a letter.\n")


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("order 48217, on 9:14", "order •••••, on •:••"),
        ("four two four two", "• • • •"),
        ("it is Four, two, uh four and TWO.", "it is •, •, uh • and •."),
        ("wait two minutes, or twenty one", "wait two minutes, or twenty one"),
        ("vier zwei zweiundvierzig", "• • •"),
        ("un deux trois, cuatro cinco seis", "• • •, • • •"),
        ("4 two 4", "• • •"),
        ("٣ drei", "• drei"),
        ("someone two threefold four", "someone two threefold four"),
    ],
)
def test_digits_and_runs_of_number_words_are_hidden(said: str, hidden: str) -> None:
    assert hide_digits(said) == hidden
    assert hide_digits_in(said.split(" ")) == hidden.split(" ")


def test_numbers_of_what_is_known_are_hidden_and_voices_told_apart() -> None:
    assert hide_numbers("Redirected to +1 425 555 0188, by ana.") == "Redirected to •••, by ana."
    redaction = Redaction(digits=False, numbers=True)
    voices = [
        redaction.voice(each) for each in ("4:+14255550126", "8:acs:agent-tom", "4:+14255550188", "4:+14255550126")
    ]
    assert voices == ["voice-1", "8:acs:agent-tom", "voice-2", "voice-1"]


@pytest.mark.parametrize("shape", sorted(FORMATS))
def test_what_is_hidden_is_in_no_part_of_any_format(call: Call, shape: str) -> None:
    segment = call.segments.get(seq=3)
    Segment.objects.filter(pk=segment.pk).update(
        words=[{"text": each, "start_s": 0.0, "end_s": 0.1} for each in segment.text.split()]
    )
    Call.objects.filter(pk=call.pk).update(end_text="Redirected to +1 425 555 0188.")
    write_note(ANA, call, "Card 4242 4242.")
    whole = exported(shape, call, digits=True, numbers=True)
    parts = [zipfile.ZipFile(io.BytesIO(whole)).read(each) for each in names(whole)] if shape == "zip" else [whole]
    for part in parts:
        for secret in ("4255550", "425 555", "0188", "4242", "4 2 4 2"):
            assert secret not in part.decode(), secret
    assert Segment.objects.get(pk=segment.pk).text.endswith("4 2 4 2.")


def names(archive: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return opened.namelist()


@pytest.fixture
def recorded(call: Call) -> Iterator[Call]:
    take = Take.objects.create(call=call, number=1, owner="web-1", asked_by="ana", state="complete")
    for track, raw_id, content in (
        ("stereo", "", wav(2.0)),
        ("participant", CALLER, wav(1.0)),
        ("participant", "8:acs:7bd1_sana", wav(1.5)),
        ("injected", "us", wav(0.5)),
    ):
        row = Recording(take=take, call=call, track=track, raw_id=raw_id, state="complete", sample_rate_hz=16_000)
        row.file.save(f"{track}-{raw_id[-4:]}.flac", ContentFile(content), save=False)
        row.save()
    yield call
    for each in Recording.objects.all():
        each.file.delete(save=False)


def test_a_zip_holds_a_folder_per_call_with_its_sound_stored_as_it_is(recorded: Call) -> None:
    whole = exported("zip", recorded, spoken_call(number="+14255550127"), one=False)
    folder = f"20261120-101700-{str(recorded.pk)[:8]}"
    found = names(whole)
    texts = [f"transcript.{each}" for each in ("json", "csv", "vtt", "srt", "txt")]
    assert found[:6] == [f"{folder}/{each}" for each in (*texts, "take-1-stereo.flac")]
    assert len(found) == 11
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        sound = opened.getinfo(f"{folder}/take-1-stereo.flac")
        assert sound.compress_type == zipfile.ZIP_STORED
        assert opened.read(sound) == wav(2.0)
        assert len(read_vtt(opened.read(f"{folder}/transcript.vtt").decode())) == 3
    assert "4255550" not in "".join(found)


def test_tracks_come_one_by_one_and_none_if_none_is_asked_for(recorded: Call) -> None:
    sounds = [each for each in names(exported("zip", recorded, audio=Audio.TRACKS)) if each.endswith(".flac")]
    assert [each.rpartition("/")[2] for each in sounds] == [
        "take-1-injected.flac",
        "take-1-voice-1.flac",
        "take-1-voice-2.flac",
    ]
    assert not [each for each in names(exported("zip", recorded, audio=Audio.NONE)) if each.endswith(".flac")]
    assert not [each for each in names(exported("zip", recorded, digits=True)) if each.endswith(".flac")]


def test_a_file_that_the_storage_lost_is_named(recorded: Call) -> None:
    row = Recording.objects.get(track="stereo")
    row.file.storage.delete(str(row.file.name))
    assert names(exported("zip", recorded))[-1].endswith("take-1-stereo.flac.missing.txt")


def test_a_zip_is_made_in_small_pieces(recorded: Call) -> None:
    row = Recording.objects.get(track="stereo")
    row.file.save("long.flac", ContentFile(bytes(3_000_000)), save=True)
    pieces = export_calls(ANA, ROOT, [recorded.pk], Options("zip"), one=recorded).pieces
    sizes = [len(each) for each in pieces]
    assert sum(sizes) > 3_000_000
    assert max(sizes) < 4 * PIECE_BYTES


def test_sound_needs_the_right_to_hear_it(recorded: Call) -> None:
    person = User.objects.create_user("robin")
    person.user_permissions.set(Permission.objects.filter(codename="export_call"))
    assert not [each for each in names(exported("zip", recorded, viewer=person)) if each.endswith(".flac")]
    with pytest.raises(NotAllowed, match="audio=none"):
        exported("zip", recorded, viewer=person, audio=Audio.STEREO)


def test_what_cannot_be_made_is_refused_before_it_is_recorded(call: Call) -> None:
    with pytest.raises(BadInput, match="holds one call"):
        exported("vtt", call, one=False)
    with pytest.raises(BadInput, match="cannot be hidden in sound"):
        exported("zip", call, digits=True, audio=Audio.STEREO)
    assert not AuditEntry.objects.exists()


def test_one_entry_says_what_was_taken_and_nothing_that_was_said(call: Call) -> None:
    exported("json", call, digits=True, language="en")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.call_id, entry.target, entry.target_id) == ("export", call.pk, "json", str(call.pk))
    assert entry.facts == {"calls": 1, "redacted": "digits", "audio": "", "language": "en", "final_only": True}


def test_one_language_alone(call: Call) -> None:
    say(call, "Guten Tag.", at_s=60, language="de-DE")
    assert [each.text for each in read_vtt(exported("vtt", call, language="de").decode())] == ["Guten Tag."]
    assert len(read_vtt(exported("vtt", call, language="EN-us").decode())) == 3


def test_a_long_call_is_read_in_batches(django_assert_max_num_queries: Any) -> None:
    call = spoken_call()
    Segment.objects.bulk_create(
        Segment(
            call=call, key=str(each), seq=each + 1, text=f"turn {each}", final=True, source="test",
            started_at=call.since, ended_at=call.since,
        )
        for each in range(1_201)
    )  # fmt: skip
    with django_assert_max_num_queries(16):
        told = read_vtt(exported("vtt", call).decode())
    assert [each.text for each in told] == [f"turn {each}" for each in range(1_201)]
