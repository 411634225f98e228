"""Rebuilds the rows of some dates from raw objects in a new location, then switches the partitions."""

from typing import Any

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from clickstream.counts import count_rows, observed_counts
from clickstream.files import Placement, date_folder, default_location, with_files, write_parquet
from clickstream.log import say, size_text
from clickstream.privacy import protect
from clickstream.progress import Work
from clickstream.raw import Raw, arriving, extract_raw, fetch
from clickstream.retire import note_retirement
from clickstream.rows import (
    derive,
    extract_curated,
    extract_known,
    flatten,
    is_within,
    line_counts,
    match_known,
    order_copies,
    to_table,
    uncommitted,
)  # fmt: skip
from clickstream.run import Outcome, Run


class NothingToReprocess(Exception):
    """No run was committed yet, so there is nothing to reprocess."""


def rebuild(run: Run, work: Work, span: tuple[str, str]) -> Outcome:
    """Rebuilds the dates from the first to the last of the span.

    New raw objects are not processed here. The next normal run processes and counts them.
    """
    if work.position is None or not work.taken_raw:
        raise NothingToReprocess(
            f"No committed run under {run.options.runs_path} processed a raw object that still exists. "
            "Run the pipeline once without `reprocess` first."
        )
    first, last = span
    raw_bytes = sum(one.size for one in work.taken_raw)
    say(f"rebuilding {first} to {last} from {len(work.taken_raw):,} raw objects ({size_text(raw_bytes)})")
    spark = run.start_spark(work.taken_raw)
    locations = all_locations(run)
    root = f"{run.options.rebuilt_path}{run.options.execution}/{run.stamp}/"
    note_retirement(run, run.stamp, root, {})
    lines = Observation("lines")
    rows = rebuilt_rows(run, work, span, spark, locations, lines)
    files = write_parquet(rows, Placement(root), run.stamp, run.store.uploads())
    counted = observed_counts(lines) or counted_lines(run, work, spark)
    dates = sorted({file.event_date for file in files})
    old = {day: locations[day] for day in dates if day in locations}
    note_retirement(run, run.stamp, root, old)
    run.catalog.switch({day: date_folder(root, day) for day in dates})
    written = sum(file.rows for file in files)
    say(f"switched {len(dates):,} dates to the rebuilt files ({written:,} rows)")
    return Outcome(counted["lines"], {"new": written}, {}, dates, files, sorted(old.values()))


def all_locations(run: Run) -> dict[str, str]:
    """The location of every date with files. A rebuild reads all raw objects, so it may also list all dates."""
    options = run.options
    folders = [name for name in run.store.list_folders(options.curated_path) if name.startswith("event_date=")]
    default = {day: default_location(options, day) for day in (name.removeprefix("event_date=") for name in folders)}
    return with_files(run.store, default | run.catalog.locations())


def rebuilt_rows(
    run: Run, work: Work, span: tuple[str, str], spark: SparkSession, locations: dict[str, str], lines: Observation
) -> DataFrame:
    """The rows of the dates from raw objects, and the curated rows whose raw objects no longer exist."""
    first, last = span
    taken = taken_objects(run, work, spark)
    raw = extract_raw(taken)
    inside = {day: location for day, location in locations.items() if first <= day <= last}
    outside = {day: location for day, location in locations.items() if day not in inside}
    is_inside = F.col("event_date").between(F.lit(first).cast("date"), F.lit(last).cast("date"))
    options = run.options
    raw_bytes = sum(one.size for one in work.taken_raw)
    known_outside = extract_known(spark, list(outside.values()), arriving(taken), raw_bytes)

    def winners(events: DataFrame) -> DataFrame:
        none = match_known(events.where("is_readable"), None, options.dedupe_days)
        chosen = order_copies(none, options.dedupe_days).where("copy = 1")
        chosen = derive(chosen.drop("known"), run.processed_at).where(is_inside)
        # If another copy with another date arrived first, its row is outside of these dates and stays in the table.
        return match_known(chosen, known_outside, options.dedupe_days).where(F.col("known").isNull()).drop("known")

    fresh = to_table(
        protect(
            winners(flatten(raw, "source").observe(lines, *line_counts())), spark, options.privacy, options.privacy_key
        )
    )
    if not inside:
        return fresh
    curated = extract_curated(spark, list(inside.values()))
    kept = without(curated, winners(flatten(raw, "source")), options.dedupe_days)
    # Rows of an interrupted run keep their processed_at. The next run needs it to recognise and count them.
    is_counted_later = uncommitted(F.col("processed_at"), work.position)
    stamped = F.when(is_counted_later, F.col("processed_at")).otherwise(F.lit(run.processed_at).cast("timestamp"))
    kept = kept.withColumns({"processed_at": stamped, "event_date": F.to_date("event_time")})
    return fresh.unionByName(to_table(kept))


def without(curated: DataFrame, winners: DataFrame, dedupe_days: int) -> DataFrame:
    """The curated rows that are not among the winners, and are no copy of one of them with another date."""
    rebuilt = winners.select(
        F.col("event_id").alias("won_id"), F.col("event_date").alias("won_date"), F.col("ingested_at").alias("won_at")
    )
    is_same_date = F.to_date("event_time") == F.col("won_date")
    is_copy = is_same_date | is_within(F.col("ingested_at"), F.col("won_at"), dedupe_days)
    return curated.join(rebuilt, (F.col("event_id") == F.col("won_id")) & is_copy, "left_anti")


def taken_objects(run: Run, work: Work, spark: SparkSession) -> Raw:
    """All objects that were taken. They are fetched in each pass: all of raw may not fit on the disks."""
    return Raw(work.taken_raw, fetch(spark, run.store.downloads(), work.taken_raw))


def counted_lines(run: Run, work: Work, spark: SparkSession) -> dict[str, Any]:
    """Computes the same count in a separate pass."""
    return count_rows(flatten(extract_raw(taken_objects(run, work, spark)), "source"), line_counts())
