"""Compacts dates with many small files, within a budget a run, while readers read.

The files of a date go to a new location: large ones are copied inside S3, the others are merged by Spark. Then the
catalog is switched to the new location, and a later run removes the old files (retire.py). If the compaction is
killed, readers see the old or the new location, and a later run removes the other one.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.attempts import Overtaken
from clickstream.compacted import Compacted, CompactedDate
from clickstream.compaction_plan import (
    MB,
    DatePlan,
    FileCount,
    HasFiles,
    chunks,
    data_files,
    due_dates,
    plan_date,
    within_budget,
)  # fmt: skip
from clickstream.files import Placement, WrittenFile, date_folder, locations_of, write_sorted
from clickstream.head import Head, keep_recent, swap_head
from clickstream.log import say, size_text
from clickstream.progress import Work
from clickstream.retire import note_retirement
from clickstream.rows import extract_curated, to_table
from clickstream.run import Run
from clickstream.storage import REQUESTS, list_each

# Maps the dates to their locations: the one in the catalog, or the default location.
Locate = Callable[[list[str]], dict[str, str]]

# Called with the new location of each date before the catalog is switched to it. Raises an error if another run could
# still commit rows at the old locations.
Claim = Callable[[dict[str, str]], None]


class CompactionFailed(Exception):
    """The merged files do not have the rows of the files that they would replace."""


def compact_due(run: Run, head: Head, withdrawn: tuple[str, ...]) -> Compacted:
    """Compacts the dates that the head names, after the run is committed. An error does not fail the run.

    Readers read either the old or the new files of each date, and the next run goes on.
    """
    before = head

    def claim(moves: dict[str, str]) -> None:
        nonlocal head
        claimed = swap_head(run.store, run.options, head, replace(head, claimed_by=run.stamp, moving=moves))
        if claimed is None:
            raise Overtaken(run)
        head = claimed

    def locate(days: list[str]) -> dict[str, str]:
        return locations_of(run.catalog, run.options, days)

    try:
        result = compact(run, head.dates, locate, claim, run.started, withdrawn)
        counted = {
            day: replace(head.dates[day], files=now.files, bytes=now.bytes) for day, now in result.figures.items()
        }
        if counted:
            after = replace(head, dates=head.dates | counted, moving={}, claimed_by=None)
            swap_head(run.store, run.options, head, keep_recent(after, run.options))
        return result
    except Exception as error:
        say("the compaction failed", level="ERROR", error=type(error).__name__, detail=str(error))
        due = due_dates(before.dates, run.started.date(), run.options.target_file_mb * MB)
        return Compacted(left=due, error=str(error)[:1000])


def finish_switch(run: Run, work: Work) -> Work:
    """Repeats the switch of a compaction that may have been killed before it. All of its files are complete."""
    if not work.head.moving:
        return work
    run.catalog.switch(work.head.moving)
    head = swap_head(run.store, run.options, work.head, replace(work.head, claimed_by=run.stamp, moving={}))
    if head is None:
        raise Overtaken(run)
    return replace(work, head=head)


def compact(
    run: Run,
    candidates: Mapping[str, HasFiles],
    locate: Locate,
    claim: Claim,
    now: datetime,
    withdrawn: tuple[str, ...] = (),
) -> Compacted:
    """Compacts the dates that have too many files, oldest first, until the run's bytes or seconds are used up.

    `withdrawn` are attempts whose files do not count, although one of them may still write.
    """
    options, started = run.options, time.monotonic()
    target = options.target_file_mb * MB
    due = due_dates(candidates, now.date(), target) if options.compaction else []
    if not due:
        return Compacted()
    root = f"{options.rebuilt_path}{options.execution}/{run.stamp}-compact/"
    figures: dict[str, FileCount] = {}
    done: list[CompactedDate] = []
    names = uncommitted_names(run, withdrawn)
    plans = plan_dates(run, due, locate(due), target, names, figures)
    for chunk in chunks(within_budget(plans, options.compaction_mb * MB)):
        if done and time.monotonic() - started >= options.compaction_seconds:
            break
        done += compact_chunk(run, root, chunk, done, claim)
    figures |= {one.day: one.after for one in done}
    finished = {one.day for one in done} | {
        day for day in figures if not due_dates({day: figures[day]}, now.date(), target)
    }
    left = [day for day in due if day not in finished]
    result = Compacted(done, figures, left, round(time.monotonic() - started, 3))
    say(f"compacted {len(done):,} of {len(due):,} dates with many files", compaction=result.to_json())
    return result


def plan_dates(
    run: Run,
    due: list[str],
    locations: dict[str, str],
    target: int,
    uncommitted: tuple[str, ...],
    figures: dict[str, FileCount],
) -> Iterator[DatePlan]:
    """Lists the files of the dates, and yields a plan for each date that has too many. Adds what it finds to `figures`.

    A date with files of a run that is not committed is left out.
    """
    # A few at a time: no more dates are listed than the budget allows.
    for start in range(0, len(due), REQUESTS):
        days = due[start : start + REQUESTS]
        for day, objects in zip(days, list_each(run.store, [locations[day] for day in days]), strict=True):
            files = data_files(locations[day], objects)
            if any(one.uri.rsplit("/", 1)[1].startswith(uncommitted) for one in files):
                say(f"left out {day}: it has files of a run that is not committed", level="WARN")
                continue
            plan = plan_date(day, locations[day], files, target)
            figures[day] = plan.before
            if plan.merged:
                yield plan


def uncommitted_names(run: Run, withdrawn: tuple[str, ...]) -> tuple[str, ...]:
    """How the names of files begin that belong to attempts with a note, or to withdrawn ones."""
    folder = f"{run.options.runs_path}attempts/"
    stamps = {one.uri[len(folder) :].removesuffix(".json") for one in run.store.list_objects(folder)} - {run.stamp}
    return tuple(f"part-{stamp}-" for stamp in (*sorted(stamps), *withdrawn))


def compact_chunk(
    run: Run, root: str, chunk: list[DatePlan], earlier: list[CompactedDate], claim: Claim
) -> list[CompactedDate]:
    """Writes the new files of some dates, and switches the dates to them.

    `earlier` are the dates of the chunks before, whose old locations are in the same note.
    """
    old = {one.day: one.old for one in earlier} | {plan.day: plan.location for plan in chunk}
    new = {plan.day: date_folder(root, plan.day) for plan in chunk}
    note_retirement(run, f"{run.stamp}-compact", root, old)
    with ThreadPoolExecutor(REQUESTS) as pool:
        copies = [
            pool.submit(run.store.copy, one.uri, new[plan.day] + one.uri[len(plan.location) :])
            for plan in chunk
            for one in plan.copied
        ]
        merged = merge(run, root, chunk)
        for copy in copies:
            copy.result()
    # The old files are kept for a while from now on. The merge may have taken long.
    note_retirement(run, f"{run.stamp}-compact", root, old)
    claim(new)
    run.catalog.switch(new)
    return [compacted(plan, new[plan.day], merged) for plan in chunk]


def compacted(plan: DatePlan, location: str, merged: list[WrittenFile]) -> CompactedDate:
    sizes = [one.size for one in plan.copied] + [file.bytes for file in merged if file.event_date == plan.day]
    after = FileCount(len(sizes), sum(sizes))
    return CompactedDate(plan.day, plan.location, location, plan.before, after, plan.rewritten)


def merge(run: Run, root: str, chunk: list[DatePlan]) -> list[WrittenFile]:
    """Merges the small files of all these dates in one Spark job, and checks that no row is lost or doubled."""
    objects = [one for plan in chunk for one in plan.merged]
    spark = run.start_spark(objects)
    say(f"merging {len(objects):,} files of {len(chunk):,} dates ({size_text(sum(one.size for one in objects))})")
    found = rows_by_file(spark, [one.uri for one in objects])
    # Not named like the files of an attempt, which are removed if the attempt is not committed.
    name = f"merged-{run.stamp}"
    files = write_sorted(merged_rows(spark, chunk, list(found)), Placement(root), name, run.store.uploads())
    check_rows(chunk, found, files)
    return files


def rows_by_file(spark: SparkSession, uris: list[str]) -> dict[str, int]:
    """The rows of each file from its footer, by the file's path as Spark writes it."""
    footers = spark.read.schema("event_id string").parquet(*uris)
    counts = footers.groupBy(F.col("_metadata.file_path").alias("path")).count().collect()
    return {row["path"]: row["count"] for row in counts}


def merged_rows(spark: SparkSession, chunk: list[DatePlan], paths: list[str]) -> DataFrame:
    """The rows of the files, with their date and the number of their new file, sorted as `write_sorted` needs them.

    The date is the one of the file's location, so that no row moves to another date.
    """
    plans = plan_of_path(chunk)
    files = spark.createDataFrame(
        [(path, plans(path).day, plans(path).parts) for path in paths], "_path string, _day string, _parts int"
    )
    rows = extract_curated(spark, [one.uri for plan in chunk for one in plan.merged])
    rows = rows.select("*", F.col("_metadata.file_path").alias("_path")).join(F.broadcast(files), "_path")
    rows = rows.withColumn("event_date", F.to_date("_day"))
    part = F.pmod(F.xxhash64("event_id"), F.col("_parts")).cast("int")
    rows = to_table(rows, part.alias("_part"))
    # Spark keeps a given number of partitions: it neither splits nor joins them.
    split = rows.repartition(sum(plan.parts for plan in chunk), "event_date", "_part")
    return split.sortWithinPartitions("event_date", "_part", "event_time")


def plan_of_path(chunk: list[DatePlan]) -> Callable[[str], DatePlan]:
    """A function that returns the plan of a file by the path that Spark gives."""

    def plain(path: str) -> str:
        return re.sub(r"^(\w+):/+", r"\1://", path)

    plans = {plain(one.uri): plan for plan in chunk for one in plan.merged}

    def find(path: str) -> DatePlan:
        # Spark may escape characters, as in a URL.
        return plans.get(plain(path)) or plans[unquote(plain(path))]

    return find


def check_rows(chunk: list[DatePlan], found: dict[str, int], files: list[WrittenFile]) -> None:
    """Raises an error unless each date has as many rows as before."""
    plans = plan_of_path(chunk)
    before, after = Counter(), Counter()
    for path, rows in found.items():
        before[plans(path).day] += rows
    for file in files:
        after[file.event_date] += file.rows
    for plan in chunk:
        if before[plan.day] != after[plan.day]:
            raise CompactionFailed(
                f"The {len(plan.merged):,} small files of {plan.day} have {before[plan.day]:,} rows, but the merged "
                f"files have {after[plan.day]:,}. Readers still read the old files. Start the pipeline again. If this "
                "error returns, turn the compaction off: `pulumi config set compaction false` and `pulumi up`."
            )
