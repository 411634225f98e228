"""Which dates and files a compaction takes: the rules, the budget, and 30 simulated days of hourly runs."""

import math
import random
from datetime import date, datetime, timedelta, timezone

import pytest

from clickstream.compaction_plan import DatePlan, FileCount, chunks, data_files, due_dates, plan_date, within_budget
from clickstream.storage import StoredObject

MB = 1_000_000
TARGET = 128 * MB
# The default of compactionMb.
BUDGET = 4096
TODAY = date(2026, 3, 15)
PLACE = "s3://b/events/event_date=2026-03-01/"


def stored(name: str, size: float) -> StoredObject:
    return StoredObject(PLACE + name, math.ceil(size * MB), datetime(2026, 3, 15, tzinfo=timezone.utc))


def files(*sizes: float) -> list[StoredObject]:
    return [stored(f"part-{number:03d}.parquet", size) for number, size in enumerate(sizes)]


def sizes(objects) -> list[float]:
    return [one.size / MB for one in objects]


@pytest.mark.parametrize(
    ("day", "found", "is_due"),
    [
        # A date up to the target may have one file, and one more for late rows.
        ("2026-03-01", (2, 500), False),
        ("2026-03-01", (3, 500), True),
        ("2026-03-01", (3, 128 * MB), True),
        ("2026-03-01", (3, 128 * MB + 1), False),
        ("2026-03-01", (4, 128 * MB + 1), True),
        # Older than two days: the 12th is, the 13th is not.
        ("2026-03-12", (3, 500), True),
        ("2026-03-13", (3, 500), False),
        ("2026-03-13", (17, 500), False),
        ("2026-03-13", (18, 500), True),
        ("2026-03-15", (18, 500), True),
        # An event can be up to a year in the future.
        ("2027-01-01", (17, 500), False),
    ],
)
def test_a_date_is_due_if_it_has_too_many_files_for_its_bytes_and_age(day, found, is_due):
    assert due_dates({day: FileCount(*found)}, TODAY, TARGET) == ([day] if is_due else [])


def test_the_oldest_dates_come_first():
    candidates = {day: FileCount(5, 500) for day in ("2026-03-10", "2025-12-31", "2026-03-09")}
    assert due_dates(candidates, TODAY, TARGET) == ["2025-12-31", "2026-03-09", "2026-03-10"]


def test_only_files_that_readers_see_are_taken():
    names = ["part-1.parquet", "000000_0", "sub/part-2.parquet"]
    hidden = [".spark-staging-1/part-3.parquet", "_temporary/0/part-4.parquet", "__magic_job/p", "_SUCCESS", ".x.crc"]
    listed = [stored(name, 1) for name in [*names, *hidden]] + [stored("", 0), stored("sub/", 0)]
    assert [one.uri[len(PLACE) :] for one in data_files(PLACE, listed)] == names


@pytest.mark.parametrize(
    ("given", "copied", "merged", "parts"),
    [
        # Few enough files.
        ([100], [100], [], 0),
        ([100, 100, 1], [100, 100, 1], [], 0),
        ([100, 1], [100, 1], [], 0),
        # All in one file.
        ([1] * 24, [], [1] * 24, 1),
        # The late rows only: the file beside them is much larger.
        ([30, 1, 2], [30], [1, 2], 1),
        ([100, 1, 2], [100], [1, 2], 1),
        # The late rows have become more than a quarter of it.
        ([30, 4, 4], [], [30, 4, 4], 1),
        # A large file is copied also then.
        ([100, 9, 9, 9], [100], [9, 9, 9], 1),
        # There is no room for a file of late rows, so all is merged once, and not the 50 MB for each late row.
        ([70, 50, 1], [], [70, 50, 1], 1),
        # 400 MB may be four files and one more: 3 are copied.
        ([100, 100, 100, 40, 40, 20], [100, 100, 100], [40, 40, 20], 1),
        # 480 MB may be four files and one more, but the large files alone are six.
        ([80] * 6, [80, 80, 80, 80], [80] * 2, 1),
        # Merged files are up to a quarter larger than the target: 320 MB need 2 files.
        ([20] * 16, [], [20] * 16, 2),
        ([20] * 17, [], [20] * 17, 3),
        # S3 copies no object of more than 5 GiB.
        ([6000, *[1] * 60], [], [6000, *[1] * 60], 38),
    ],
)
def test_large_files_are_copied_and_the_others_merged_into_few_enough(given, copied, merged, parts):
    plan = plan_date("2026-03-01", PLACE, files(*given), TARGET)
    assert (sizes(plan.copied), sorted(sizes(plan.merged)), plan.parts) == (copied, sorted(merged), parts)
    if parts:
        assert len(plan.copied) + plan.parts <= 1 + max(1, math.ceil(sum(given) / 128))


def test_a_plan_has_few_enough_files_for_any_files():
    chance = random.Random(5)
    for _ in range(2000):
        given = [chance.choice([0.01, 1, 30, 64, 70, 128, 160]) * chance.random() for _ in range(chance.randint(1, 60))]
        plan = plan_date("2026-03-01", PLACE, files(*given), TARGET)
        assert sorted(one.uri for one in [*plan.copied, *plan.merged]) == [one.uri for one in files(*given)]
        total = sum(one.size for one in [*plan.copied, *plan.merged])
        assert len(plan.copied) + plan.parts <= 1 + max(1, math.ceil(total / TARGET))
        if plan.merged:
            # No file becomes much larger than the target.
            assert plan.rewritten / plan.parts <= 1.25 * TARGET


def plans(*rewritten: int) -> list[DatePlan]:
    return [
        plan_date(f"2026-03-{day + 1:02d}", PLACE, files(*[size / 4] * 4), 10_000 * MB)
        for day, size in enumerate(rewritten)
    ]


def days_taken(budget: int, *rewritten: int) -> list[int]:
    return [int(plan.day[-2:]) for plan in within_budget(plans(*rewritten), budget * MB)]


def test_dates_are_taken_until_the_bytes_are_used_up():
    assert days_taken(100, 40, 60, 1) == [1, 2]
    assert days_taken(100, 40, 61, 1) == [1]
    assert days_taken(100) == []


def test_a_date_larger_than_the_budget_is_the_last_one_of_a_run():
    assert days_taken(100, 500, 1) == [1]
    assert days_taken(100, 1, 2, 500, 1) == [1, 2, 3]


def test_no_more_dates_are_listed_than_the_budget_allows():
    listed = []
    given = (listed.append(plan.day) or plan for plan in plans(40, 61, 1, 1))
    assert len(list(within_budget(given, 100 * MB))) == 1
    assert listed == ["2026-03-01", "2026-03-02"]


def test_a_chunk_ends_at_512_mb_to_write_or_10_gb_to_copy():
    groups = [[int(plan.day[-2:]) for plan in chunk] for chunk in chunks(plans(200, 200, 200, 600, 1))]
    assert groups == [[1, 2, 3], [4], [5]]
    copying = [DatePlan(str(number), PLACE, tuple(files(4000)), tuple(files(1)), 1) for number in range(4)]
    assert [[plan.day for plan in chunk] for chunk in chunks(copying)] == [["0", "1", "2"], ["3"]]


class SimulatedLake:
    """The sizes of the files of each date. Small files get smaller when they are merged, as real ones do."""

    def __init__(self, megabytes_per_run: float, tasks: int = 2, shrinks_to: float = 1, late: float = 3):
        self.dates: dict[str, list[float]] = {}
        self.size, self.tasks, self.shrinks_to, self.late = megabytes_per_run, tasks, shrinks_to, late
        self.rewritten = self.most_rewritten = 0.0

    def run(self, moment: datetime, chance: random.Random, budget: float) -> None:
        self.append(moment.date(), chance)
        candidates = {day: FileCount(len(found), int(sum(found) * MB)) for day, found in self.dates.items()}
        due = due_dates(candidates, moment.date(), TARGET)
        planned = (plan_date(day, PLACE, files(*self.dates[day]), TARGET) for day in due)
        rewritten = 0.0
        for plan in within_budget(planned, int(budget * MB)):
            merged = sum(size * (self.shrinks_to if size < 8 else 1) for size in sizes(plan.merged))
            self.dates[plan.day] = sizes(plan.copied) + [merged / plan.parts] * plan.parts
            rewritten += plan.rewritten / MB
        self.rewritten += rewritten
        self.most_rewritten = max(self.most_rewritten, rewritten)

    def append(self, today: date, chance: random.Random) -> None:
        self.dates.setdefault(today.isoformat(), []).extend([self.size / self.tasks] * self.tasks)
        # Late events of some of the last 30 days, or of all of them.
        for back in range(1, 30):
            if chance.random() < self.late / (2 + back):
                day = (today - timedelta(days=back)).isoformat()
                self.dates.setdefault(day, []).append(self.size * 0.01 * chance.random())

    def too_many(self, today: date) -> dict[str, list[float]]:
        """The dates older than two days with more files than the promise allows."""
        return {
            day: found
            for day, found in self.dates.items()
            if day < (today - timedelta(days=2)).isoformat() and len(found) > 1 + max(1, math.ceil(sum(found) / 128))
        }


@pytest.mark.parametrize(
    "lake",
    [
        # A small site, whose files are mostly footers.
        SimulatedLake(0.01, tasks=1, shrinks_to=0.5),
        # Dates just below the target.
        SimulatedLake(4, shrinks_to=0.9),
        SimulatedLake(5, late=99),
        SimulatedLake(40, shrinks_to=0.95, late=99),
        # Dates of 10 GB, larger than the budget.
        SimulatedLake(400, tasks=8, shrinks_to=0.95, late=99),
    ],
    ids=lambda lake: f"{lake.size} MB a run",
)
def test_after_each_of_720_hourly_runs_no_old_date_has_too_many_files(lake):
    chance = random.Random(1)
    first = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for hour in range(720):
        moment = first + timedelta(hours=hour)
        lake.run(moment, chance, budget=BUDGET)
        assert lake.too_many(moment.date()) == {}, f"after {hour} hours"
    # Without compaction, a date would have 48 files of its first day alone.
    assert len(lake.dates) == 59
    # Rows are written again a few times, and not the whole date for each late event. In the lake with late=99, 14 % of
    # the rows are late, and those of a date are written again with each run.
    times = lake.rewritten / (720 * lake.size)
    assert times < 12, f"{times:.1f} times"


def test_without_compaction_the_simulated_lake_breaks_the_promise():
    lake, chance = SimulatedLake(1), random.Random(1)
    for hour in range(96):
        lake.run(datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(hours=hour), chance, budget=0)
    assert lake.too_many(date(2026, 1, 4)) != {}
