"""Compacts dates with many small files, within a budget a run, while readers read.

The files of a date go to a new location: large ones are copied inside S3, the others are merged by Spark. Then the
catalog is switched to the new location, and a later run removes the old files (retire.py). If the compaction is
killed, readers see the old or the new location, and a later run removes the other one.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.compacted import Compacted, CompactedDate
from clickstream.compaction_plan import (
    DateFiles,
    DatePlan,
    chunks,
    data_files,
    due_dates,
    plan_date,
    within_budget,
)  # fmt: skip
from clickstream.files import Placement, WrittenFile, write_sorted
from clickstream.log import say, size_text
from clickstream.retire import note_retirement
from clickstream.rows import extract_curated, to_table
from clickstream.run import Run
from clickstream.storage import REQUESTS

# Maps the dates to their locations: the one in the catalog, or the default location.
Locate = Callable[[list[str]], dict[str, str]]

# Called with the new location of each date before the catalog is switched to it. Raises an error if another run could
# still commit rows at the old locations.
Claim = Callable[[dict[str, str]], None]


MB = 1_000_000


class CompactionFailed(Exception):
    """The merged files do not have the rows of the files that they would replace."""


def compact(run: Run, candidates: dict[str, DateFiles], locate: Locate, claim: Claim, now: datetime) -> Compacted:
    """Compacts the dates that have too many files, oldest first, until the run's bytes or seconds are used up.

    Spark then has settings for these files, so start_spark must be called again for the new rows.
    """
    options, started = run.options, time.monotonic()
    target = options.target_file_mb * MB
    due = due_dates(candidates, now.date(), target) if options.compaction else []
    if not due:
        return Compacted()
    root = f"{options.rebuilt_path}{options.execution}/{run.stamp}-compact/"
    figures: dict[str, DateFiles] = {}
    done: list[CompactedDate] = []
    plans = plan_dates(run, due, locate(due), target, figures)
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
    run: Run, due: list[str], locations: dict[str, str], target: int, figures: dict[str, DateFiles]
) -> Iterator[DatePlan]:
    """Lists the files of the dates, and yields a plan for each date that has too many. Notes what was found."""
    attempts = uncommitted_names(run)
    with ThreadPoolExecutor(REQUESTS) as pool:
        for start in range(0, len(due), REQUESTS):
            days = due[start : start + REQUESTS]
            listed = pool.map(run.store.list_objects, [locations[day] for day in days])
            for day, objects in zip(days, listed, strict=True):
                files = data_files(locations[day], objects)
                if any(one.uri.rsplit("/", 1)[1].startswith(attempts) for one in files):
                    say(f"left out {day}: it has files of a run that is not committed", level="WARN")
                    continue
                plan = plan_date(day, locations[day], files, target)
                figures[day] = plan.before
                if plan.merged:
                    yield plan


def uncommitted_names(run: Run) -> tuple[str, ...]:
    """How the names of files begin that belong to attempts with a note."""
    folder = f"{run.options.runs_path}attempts/"
    stamps = [one.uri[len(folder) :].removesuffix(".json") for one in run.store.list_objects(folder)]
    return tuple(f"part-{stamp}-" for stamp in stamps)


def compact_chunk(
    run: Run, root: str, chunk: list[DatePlan], earlier: list[CompactedDate], claim: Claim
) -> list[CompactedDate]:
    """Writes the new files of some dates, and switches the dates to them.

    `earlier` are the dates of the chunks before, whose old locations are in the same note.
    """
    old = {one.day: one.old for one in earlier} | {plan.day: plan.location for plan in chunk}
    new = {plan.day: f"{root}event_date={plan.day}/" for plan in chunk}
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
    after = DateFiles(len(sizes), sum(sizes))
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
