import threading

from calls.counters import count, counts


def test_a_counter_starts_at_nothing_and_tells_its_new_value() -> None:
    assert "never_counted" not in counts()
    assert count("once") == 1
    assert count("once", 4) == 5
    assert counts()["once"] == 5


def test_threads_lose_no_count() -> None:
    def work() -> None:
        for _ in range(1_000):
            count("by_threads")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts()["by_threads"] == 8_000


def test_what_is_handed_out_is_a_copy() -> None:
    count("kept")
    counts()["kept"] = 0
    assert counts()["kept"] >= 1
