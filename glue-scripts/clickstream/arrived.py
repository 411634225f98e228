"""The raw lines of a run, and how each of them gets its fate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.blocks import pack
from clickstream.contract import EVENT_COLUMNS
from clickstream.privacy import protect
from clickstream.progress import Work, taken_ranges
from clickstream.raw import Raw, extract_raw
from clickstream.rows import classify, derive, flatten, mark_taken, match_known, order_copies, to_table
from clickstream.run import Run

# The columns that decide the fate of a line. The first ones are also in the table, where they are never changed.
IN_TABLE = ("event_id", "event_time", "ingested_at")
BESIDE = ("shard_id", "sequence_number", "position", "content", "is_readable", "source")


@dataclass(frozen=True)
class Arrived:
    """The raw lines of a run, and the data that decides which of them are new.

    `packed` has the keys of each line, and blocks with the table rows of the readable ones.
    `distant_days` is `dedupe_days` if two of the lines can have arrived that long after each other, else None.
    """

    spark: SparkSession
    work: Work
    raw: Raw
    packed: DataFrame
    known: DataFrame | None
    locations: dict[str, str]
    dedupe_days: int
    distant_days: int | None

    def judge(self) -> DataFrame:
        """The readable lines, each with its fate, its block and its index in the block."""
        columns = ("block", "row", "fate", "event_time", "source", "first_source", "known")
        return self.fates_of(lines_in(self.packed), self.known).select(*columns)

    def fates_of(self, events: DataFrame, known: DataFrame | None) -> DataFrame:
        """The readable lines, each with its fate."""
        readable = mark_taken(events.where("is_readable"), self.spark, taken_ranges(self.work))
        copies = order_copies(match_known(readable, known, self.dedupe_days), self.distant_days)
        return classify(copies, self.work.position)


def pack_lines(run: Run, raw: Raw) -> DataFrame:
    """The keys of all lines, and the table rows of the readable ones in blocks.

    Each line is parsed and becomes a row once, before it is known whether it is a copy. Most are not.
    """
    spark = raw.bodies.sparkSession
    events = derive(flatten(extract_raw(raw), "source"), run.processed_at)
    events = events.withColumn("event_date", F.when(F.col("is_readable"), F.col("event_date")))
    rows = protect(events, spark, run.options.privacy, run.options.privacy_key)
    return pack(to_table(rows, *BESIDE), list(EVENT_COLUMNS), [*IN_TABLE, *BESIDE])


def lines_in(packed: DataFrame) -> DataFrame:
    return packed.where("piece IS NULL")


def blocks_in(packed: DataFrame) -> DataFrame:
    return packed.where("piece IS NOT NULL").select("event_date", "block", "row", "piece")


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that several passes read, kept on disk until the end of the block."""
    rows.persist(StorageLevel.DISK_ONLY)
    try:
        yield rows
    finally:
        rows.unpersist()
