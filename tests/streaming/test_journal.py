"""The journal against a real database: what is queued is written, once and in order, or counted as lost."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from calls import live
from calls.counters import counts
from calls.models import Call, StreamSession
from streaming.journal import QUEUE_LIMIT, Journal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def journal() -> Iterator[Journal]:
    """Impatient: asks again after 10 ms, and gives up after 300 ms."""
    made = Journal(retry_pause_s=0.01, retry_for_s=0.3)
    yield made
    assert made.flush()


def add_call() -> Call:
    return Call.objects.create(direction="inbound")


class Gate:
    """A row that holds the journal until it is opened."""

    def __init__(self, journal: Journal) -> None:
        self._opened, self._reached = threading.Event(), threading.Event()
        self._answer = journal.write(self._wait)
        assert self._reached.wait(5)

    def _wait(self) -> None:
        self._reached.set()
        assert self._opened.wait(10)

    def open(self) -> None:
        self._opened.set()


def test_a_row_is_written_and_answers(journal: Journal) -> None:
    call = journal.write(add_call).result(5)
    assert Call.objects.get().pk == call.pk


def test_rows_are_written_in_their_order(journal: Journal) -> None:
    written: list[int] = []
    gate = Gate(journal)
    for index in range(120):
        journal.write(written.append, index)
    gate.open()
    assert journal.flush()
    assert written == list(range(120))


def test_a_bad_row_does_not_harm_its_batch(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(journal)
    first = journal.write(add_call)
    taken = journal.write(lambda: Call.objects.create(pk=Call.objects.get().pk, direction="inbound"))
    broken = journal.write(lambda: 1 / 0)
    second = journal.write(add_call)
    gate.open()
    assert {first.result(5).pk, second.result(5).pk} == set(Call.objects.values_list("pk", flat=True))
    assert isinstance(taken.exception(5), IntegrityError)
    assert isinstance(broken.exception(5), ZeroDivisionError)
    assert [record.message for record in caplog.records] == ["a row of the journal was refused"] * 2


def test_a_bad_row_announces_nothing_and_the_others_do_after_the_commit(journal: Journal) -> None:
    told: list[tuple[str, bool]] = []

    def row(name: str, fault: Exception | None = None) -> None:
        add_call()
        transaction.on_commit(lambda: told.append((name, connection.in_atomic_block)))
        if fault is not None:
            raise fault

    gate = Gate(journal)
    for name, fault in (
        ("one", None),
        ("bad", ValueError()),
        ("two", None),
        ("worse", IntegrityError()),
        ("three", None),
    ):
        journal.write(row, name, fault)
    gate.open()
    assert journal.flush()
    assert told == [("one", False), ("two", False), ("three", False)]
    assert Call.objects.count() == 3


def test_announcements_of_a_batch_carry_growing_numbers(journal: Journal) -> None:
    call = add_call()

    def tell() -> None:
        live.announce(call.pk, "dtmf", tone="1")

    for _ in range(60):
        journal.write(tell)
    assert journal.flush()
    call.refresh_from_db()
    assert call.live_seq == 60


def ask_a_table_that_is_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a_table_that_is_away")


def test_a_database_that_is_away_is_asked_again_and_each_row_is_written_once(journal: Journal) -> None:
    tries: list[int] = []

    def comes_back() -> int:
        tries.append(1)
        if len(tries) < 4:
            ask_a_table_that_is_away()
        return len(tries)

    gate = Gate(journal)
    before, row, after = journal.write(add_call), journal.write(comes_back), journal.write(add_call)
    gate.open()
    assert row.result(5) == 4
    assert {before.result(5).pk, after.result(5).pk} == set(Call.objects.values_list("pk", flat=True))


def test_a_database_that_stays_away_costs_its_rows_and_not_the_journal(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    lost = counts().get("journal_rows_dropped", 0)
    gate = Gate(journal)
    rows = [journal.write(ask_a_table_that_is_away), journal.write(add_call)]
    gate.open()
    for row in rows:
        assert row.exception(5) is not None
    assert counts()["journal_rows_dropped"] == lost + 2
    assert "2 rows were lost: the database was away" in caplog.text
    assert journal.write(add_call).result(5)
    assert Call.objects.count() == 1


def test_a_full_journal_drops_counts_and_says_so(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    lost = counts().get("journal_rows_dropped", 0)
    gate = Gate(journal)
    rows = [journal.write(lambda: None) for _ in range(QUEUE_LIMIT + 150)]
    assert isinstance(rows[-1].exception(0), RuntimeError)
    gate.open()
    assert rows[0].result(5) is None
    assert counts()["journal_rows_dropped"] == lost + 150
    said = [record for record in caplog.records if "the journal is full" in record.message]
    assert 1 <= len(said) <= 2
    assert {record.levelno for record in said} == {logging.ERROR}


def test_what_may_be_missing_leaves_half_of_the_room_to_what_may_not(journal: Journal) -> None:
    written: list[str] = []
    missed = counts().get("journal_offers_dropped", 0)
    gate = Gate(journal)
    for _ in range(QUEUE_LIMIT):
        journal.offer(written.append, "chatter")
    last = journal.write(written.append, "last word")
    gate.open()
    last.result(5)
    assert written[-1] == "last word"
    assert len(written) == QUEUE_LIMIT // 2 + 1
    assert counts()["journal_offers_dropped"] == missed + QUEUE_LIMIT // 2


def test_who_gives_up_waiting_undoes_nothing(journal: Journal) -> None:
    gate = Gate(journal)

    async def give_up() -> None:
        waiting = asyncio.create_task(journal.ask(add_call))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    gate.open()
    assert journal.write(add_call).result(5)
    assert Call.objects.count() == 2


def test_asking_brings_the_answer_or_the_fault(journal: Journal) -> None:
    assert asyncio.run(journal.ask(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(journal.ask(lambda: 1 / 0))


class Broken:
    """A source of levels that fails."""

    call_id = "broken"

    def live(self, now_s: float) -> live.CallLive:
        raise ValueError


class Quiet:
    call_id = "quiet"

    def live(self, now_s: float) -> live.CallLive:
        return {"levels": {}, "health": None, "playing": None}


def test_one_stream_whose_levels_fail_does_not_hide_the_others(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.sources |= {Broken(), Quiet()}
    journal.publish(0.0)
    assert [source.call_id for source in journal.sources] == ["quiet"]
    assert "the levels of call broken failed" in caplog.text


def test_a_stream_that_was_given_up_while_the_database_was_away_is_open_again(journal: Journal) -> None:
    call = add_call()
    lost = StreamSession.objects.create(call=call, number=1, state="lost", owner="us", channel_type="unmixed")
    journal.sockets = {lost.pk, uuid4()}

    async def beat() -> None:
        running = asyncio.create_task(journal.run())
        await asyncio.sleep(0.3)
        running.cancel()

    asyncio.run(beat())
    assert journal.flush()
    lost.refresh_from_db()
    call.refresh_from_db()
    assert (lost.state, lost.closed_at, call.streaming_state) == ("open", None, "streaming")
