"""Processes everything since the last run: counts quarantined lines, and appends new events to the table."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from clickstream.arguments import Options
from clickstream.arrived import Arrived
from clickstream.attempts import note_attempt
from clickstream.conflicts import load_conflicts
from clickstream.counts import Counts, adds_up, check, counted, observed
from clickstream.files import Placement, WrittenFile, locations_of, with_files, write_parquet
from clickstream.keys import arrival_hour
from clickstream.log import say, size_text
from clickstream.privacy import protect
from clickstream.progress import Work
from clickstream.quarantine import extract_quarantine_reasons, load_unreadable
from clickstream.raw import arriving, dates_of, fetched
from clickstream.rows import (
    FATES,
    derive,
    extract_known,
    to_table,
)  # fmt: skip
from clickstream.run import Outcome, Run


def append_new(run: Run, work: Work) -> Outcome:
    """Processes everything that arrived since the last run."""
    options = run.options
    if not work.raw and not work.quarantine:
        say("nothing new since the last run")
        return Outcome()
    reasons = extract_quarantine_reasons(run.store, work.quarantine)
    if work.quarantine:
        say(f"{sum(reasons.values()):,} lines are in quarantine in {len(work.quarantine):,} new objects")
    if not work.raw:
        say("no new raw objects")
        return Outcome(reasons=reasons)
    raw_bytes = sum(one.size for one in work.raw)
    say(f"reading {len(work.raw):,} raw objects ({size_text(raw_bytes)})")
    spark = run.start_spark(work.raw)
    with fetched(spark, run.store.downloads(), work.raw) as raw, kept(arriving(raw)) as ids:
        locations = locations_of(run.catalog, options, searched_dates(run, work, ids))
        filled = with_files(run.store, locations)
        known = extract_known(spark, list(filled.values()), ids, raw_bytes, work.withdrawn)
        say(f"skipping events that are in the table ({len(filled):,} dates)" if filled else "no date has rows yet")
        note_attempt(run, work)
        distant_days = options.dedupe_days if may_be_distant(work, options) else None
        arrived = Arrived(spark, work, raw, known, locations, options.dedupe_days, distant_days)
        appended = load_events(run, arrived)
    return replace(appended, reasons=reasons + Counter(appended.reasons))


@contextmanager
def kept(ids: DataFrame) -> Iterator[DataFrame]:
    """The ids, computed once: their dates are needed first, and then the ids themselves."""
    yield ids.persist(StorageLevel.MEMORY_AND_DISK)
    ids.unpersist()


def searched_dates(run: Run, work: Work, ids: DataFrame) -> set[str]:
    """The dates in which a copy of a new event can be: its own date, and dates written within `dedupe_days` of it."""
    if work.position is None and not work.head.dates:
        return set()
    first = min(arrival_hour(one.uri) for one in work.raw)
    days = timedelta(days=run.options.dedupe_days)
    # A key without a time is from a person. Then every date that the head names is searched.
    since = first - days if first.year > 1 else first
    return dates_of(ids) | work.head.dates_written_since(since)


def may_be_distant(work: Work, options: Options) -> bool:
    """Whether two of the new lines can have arrived more than `dedupe_days` apart.

    A key has the hour of its first record. The last one can have arrived up to the stream's retention later.
    """
    hours = [arrival_hour(one.uri) for one in work.raw]
    span = max(hours) - min(hours) + timedelta(hours=options.retention_hours)
    return span > timedelta(days=options.dedupe_days)


def load_events(run: Run, arrived: Arrived) -> Outcome:
    """Appends the new rows, and quarantines the lines that only this job can detect as bad."""
    files, counts = load_new_rows(run, arrived)
    written = sum(file.rows for file in files)
    if not adds_up(counts, written):
        # If Spark repeats a task, it counts its rows twice. Only then are the counts computed in a separate pass.
        say("Spark repeated some tasks: counting again")
        counts = counted(*arrived.judge())
    check(counts, written)
    reasons = Counter()
    fates: dict[str, int] = {fate: counts[fate] for fate in FATES}
    if counts["unreadable"]:
        load_unreadable(run, arrived.raw, counts["unreadable_sources"])
        reasons["unreadable_raw_line"] = counts["unreadable"]
    if counts["conflict"] or counts["known"]:
        reasons["id_conflict"] = load_conflicts(run, arrived, counts)
        copies = counts["conflict"] + counts["known"] - reasons["id_conflict"]
        fates["duplicate"] += copies
    dates = sorted(counts["dates"].split())
    say(f"wrote {written:,} rows of {len(dates):,} dates in {len(files):,} files")
    return Outcome(counts["lines"], fates, +reasons, dates, files)


def load_new_rows(run: Run, arrived: Arrived) -> tuple[list[WrittenFile], Counts]:
    """Writes the files and computes all counts in one pass over the raw lines."""
    lines, fates = Observation("lines"), Observation("fates")
    rows = new_rows(run, arrived, arrived.judge(lines, fates)[1])
    placement = Placement(run.options.curated_path, arrived.locations)
    files = write_parquet(rows, placement, run.stamp, run.store.uploads())
    counts = observed(lines, fates)
    if counts is None:
        say("Spark did not return the counts: counting again")
        counts = counted(*arrived.judge())
    return files, counts


def new_rows(run: Run, arrived: Arrived, judged: DataFrame) -> DataFrame:
    """The table rows of the new events."""
    new = derive(judged.where(F.col("fate") == "new"), run.processed_at)
    return to_table(protect(new, arrived.spark, run.options.privacy, run.options.privacy_key))
