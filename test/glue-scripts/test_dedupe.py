"""An id is curated once per date, whenever its copies arrive, and once in all within `dedupeDays`."""

from datetime import datetime, timedelta, timezone

import pytest

from lake import Lake, arrived, event

DAY = datetime(2026, 3, 15, 9, 30, tzinfo=timezone.utc)


def at(days: float) -> str:
    """A time, some days after the first event."""
    return (DAY + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def arrive(lake: Lake, event_id: str, happened: float, arrives: float, sequence: int) -> None:
    """One event in an object of its own: the days from the first event to its event_time and to its arrival."""
    line = arrived(event(event_id, event_time=at(happened)), sequence, time=at(arrives))
    lake.put_lines([line], time=at(arrives))


def counts(report: dict) -> tuple[int, int, int]:
    return report["written"], report["duplicates"], report["quarantined"]


@pytest.fixture
def curated(lake) -> Lake:
    """A lake with the event a, which happened and arrived on the 15th."""
    arrive(lake, "a", 0, 0, 1)
    lake.run()
    return lake


def test_a_copy_with_the_same_date_is_curated_once_even_after_a_year(curated):
    arrive(curated, "a", 0, 365, 2)
    assert counts(curated.run()) == (0, 1, 0)
    assert curated.select() == [("a", "2026-03-15")]


@pytest.mark.parametrize(
    "arrives, expected",
    [
        # Another event_time is other content, so such a copy is quarantined as an id conflict.
        (6, (0, 0, 1)),
        (7, (0, 0, 1)),
        (7 + 1 / 24, (1, 0, 0)),
        (8, (1, 0, 0)),
    ],
)
def test_a_copy_with_another_date_is_curated_again_only_after_dedupe_days(curated, arrives, expected):
    arrive(curated, "a", 5, arrives, 2)
    assert counts(curated.run()) == expected
    dates = {day for _, day in curated.select()}
    assert dates == ({"2026-03-15", "2026-03-20"} if expected[0] else {"2026-03-15"})


@pytest.mark.parametrize("arrives, written", [(5, 1), (7, 1), (8, 2)])
def test_the_same_holds_for_copies_in_one_run_and_for_a_rebuild(lake, arrives, written):
    arrive(lake, "a", 0, 0, 1)
    arrive(lake, "a", 5, arrives, 2)
    report = lake.run()
    assert counts(report) == (written, 0, 2 - written)
    lake.register(report)
    before = lake.contents_by_date()
    assert sorted(before) == [("a", "2026-03-15"), ("a", "2026-03-20")][:written]
    lake.run("again", reprocess=("2026-03-15", "2026-03-31"))
    assert lake.contents_by_date() == before


def test_a_rebuild_of_one_date_keeps_an_event_whose_id_is_in_another_date(lake):
    arrive(lake, "a", 0, 0, 1)
    lake.register(lake.run())
    arrive(lake, "a", 8, 8, 2)
    lake.register(lake.run())
    before = lake.contents_by_date()
    assert len(before) == 2
    for day in ("2026-03-15", "2026-03-23"):
        lake.run(reprocess=(day, day))
        assert lake.contents_by_date() == before


def test_a_longer_time_can_be_configured(curated):
    curated.dedupe_days = 30
    arrive(curated, "a", 5, 29, 2)
    assert counts(curated.run()) == (0, 0, 1)


def test_an_id_with_two_dates_has_copies_of_both(curated):
    arrive(curated, "a", 8, 8, 2)
    assert counts(curated.run()) == (1, 0, 0)
    arrive(curated, "a", 0, 9, 3)
    arrive(curated, "a", 8, 9, 4)
    assert counts(curated.run()) == (0, 2, 0)
    assert curated.select() == [("a", "2026-03-15"), ("a", "2026-03-23")]


def test_a_producer_that_resends_a_whole_day_a_month_later_adds_no_row(lake):
    day = [arrived(event(f"e{n}", event_time=at(n / 100)), n + 1, time=at(n / 100)) for n in range(40)]
    lake.put_lines(day, time=at(0))
    assert counts(lake.run()) == (40, 0, 0)
    again = [line | arrived({}, n + 100, time=at(30)) for n, line in enumerate(day)]
    lake.put_lines(again, time=at(30))
    assert counts(lake.run()) == (0, 40, 0)
    assert len(lake.select()) == 40
