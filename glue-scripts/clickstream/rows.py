"""From raw lines to rows of the table: DataFrames in, DataFrames out."""

import functools
import re
from typing import Literal, get_args

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from clickstream.contract import CONTENT, EVENT_COLUMNS, FIELDS, RAW_SCHEMA
from clickstream.progress import Position
from clickstream.storage import StoredObject

Fate = Literal["new", "recovered", "redelivered", "duplicate", "conflict", "known"]

FATES: tuple[Fate, ...] = get_args(Fate)

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def extract_raw(spark: SparkSession, objects: list[StoredObject]) -> DataFrame:
    """The lines of the raw objects, with a schema that is given: to infer it would read everything twice."""
    return (
        spark.read.schema(RAW_SCHEMA)
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", "_unparsed")
        .option("multiLine", "false")
        # Without it a CR ends a line, too: it is white space in JSON.
        .option("lineSep", "\n")
        .json([one.uri for one in objects])
        .select("*", source_of(F.col("_metadata.file_path")).alias("source"))
    )


def source_of(uri: Column) -> Column:
    """A short name of the raw object that a line lies in: eight bytes a line, where its key would be a hundred."""
    return F.xxhash64(F.substring_index(uri, "/", -1))


def extract_lines(spark: SparkSession, objects: list[StoredObject]) -> DataFrame:
    """The lines of raw objects again, each with its own text and its object's key beside."""
    parsed = F.from_json("value", RAW_SCHEMA, {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_unparsed"})
    text = spark.read.text([one.uri for one in objects], lineSep="\n").where(F.trim("value") != "")
    lines = text.select("value", F.col("_metadata.file_path").alias("file"), parsed.alias("line"))
    return flatten(
        lines.select("value", "file", "line.*").withColumn("source", source_of(F.col("file"))),
        "value",
        "file",
        "source",
    )


def flatten(raw: DataFrame, *beside: str) -> DataFrame:
    """Types and names of the table, what of the arrival decides between copies, and columns to keep beside."""
    columns = {
        name: F.col(field["name"]).alias(name)
        for name, field in FIELDS.items()
        if name in EVENT_COLUMNS
    } | {
        "event_time": instant(F.col("event_time")).alias("event_time"),
        "properties": each_key_once(F.col("properties")).alias("properties"),
    }  # fmt: skip
    arrival = {
        "ingested_at": instant(F.col("arrival.time")),
        "shard_id": F.col("arrival.shard_id"),
        "sequence_number": F.col("arrival.sequence_number"),
        "position": F.col("arrival.position"),
    }
    return raw.select(
        *columns.values(),
        *(value.alias(name) for name, value in arrival.items()),
        is_readable(arrival).alias("is_readable"),
        *beside,
    ).withColumn("content", content_hash())


def is_readable(arrival: dict[str, Column]) -> Column:
    """Whether a raw line has all that a row cannot be without."""
    needed = [F.col("_unparsed").isNull(), instant(F.col("event_time")).isNotNull()]
    needed += [F.coalesce(F.col(name), F.lit("")) != "" for name in ("event_id", "event_type")]
    needed += [value.isNotNull() for value in arrival.values()]
    return functools.reduce(Column.__and__, needed)


def content_hash() -> Column:
    """64 bits of all that makes an event this event; properties in any order."""
    return F.xxhash64(*CONTENT, F.sort_array(F.map_entries("properties")))


def each_key_once(names: Column) -> Column:
    """A map as Spark read it may have a key twice, from JSON and from Parquet alike; made anew, the last one counts."""
    return F.transform_keys(names, lambda key, _: key)


def instant(text: Column) -> Column:
    """A time with its `Z` cut off, the session's zone being UTC: Spark compiles patterns for each zone it reads.

    Any other zone is left in place, and read as it says; so is what has more than one `Z`, which is no time.
    """
    without_zone = F.substring_index(text, "Z", 1)
    is_utc = F.concat(without_zone, F.lit("Z")) == text
    return F.when(is_utc, without_zone).otherwise(text).cast("timestamp")


def mark_taken(events: DataFrame, spark: SparkSession, ranges: list[tuple[str, str, str]]) -> DataFrame:
    """Says which lines lie in a range that an earlier run took, so that a copy of a copy is not counted again."""
    if not ranges:
        return events.withColumn("was_taken", F.lit(False))
    earlier = spark.createDataFrame(ranges, "taken_shard string, first string, last string")
    padded = F.lpad("sequence_number", 64, "0")
    lies_within = (F.col("shard_id") == F.col("taken_shard")) & padded.between(F.col("first"), F.col("last"))
    return (
        events.join(F.broadcast(earlier), lies_within, "left")
        .withColumn("was_taken", F.col("taken_shard").isNotNull())
        .drop("taken_shard", "first", "last")
    )


def order_copies(events: DataFrame) -> DataFrame:
    """Numbers the copies of each event by arrival: Kinesis delivers at least once, so the first one wins.

    The same shard, sequence number and position again is not a second event but a second delivery. Each copy has
    the first one's content and source beside its own.
    """
    arrival = Window.partitionBy("event_id").orderBy(
        "ingested_at", "shard_id", F.length("sequence_number"), "sequence_number", "position"
    )
    copies = events.withColumns(
        {
            "copy": F.row_number().over(arrival),
            "place": F.rank().over(arrival),
            "first_content": F.first("content").over(arrival),
            "first_source": F.first("source").over(arrival),
        }
    )
    # Only an equal arrival shares a rank, so the second delivery's number is higher than its rank.
    return copies.withColumn("is_again", F.col("copy") > F.col("place")).drop("place")


def classify(copies: DataFrame, known: DataFrame | None, position: Position | None) -> DataFrame:
    """Gives each line its fate: new, recovered, redelivered, duplicate, conflict or known.

    `recovered` is a row that an interrupted run wrote and that was left, because raw no longer has all that the run
    took: its run has no report, so it is this run that counts it.
    `conflict` is another event under the id of the first one. `known` has the id of a curated row: whether it is a
    duplicate or a conflict, `settle_known` says.
    """
    is_first = F.col("copy") == 1
    is_redelivered = F.col("is_again") | F.col("was_taken")
    among_new = (
        F.when(is_first, "new")
        .when(is_redelivered, "redelivered")
        .when(F.col("content") == F.col("first_content"), "duplicate")
        .otherwise("conflict")
    )
    if known is None:
        return copies.withColumns({"fate": among_new, "known_file": F.lit(None).cast("string")})
    is_uncommitted = uncommitted(F.col("known_processed_at"), position)
    is_same_copy = is_first & (F.col("known_ingested_at") == F.col("ingested_at"))
    fate = (
        F.when(F.col("known_id").isNull(), among_new)
        .when(is_same_copy & is_uncommitted, "recovered")
        .when(is_same_copy | is_redelivered, "redelivered")
        .otherwise("known")
    )
    joined = copies.join(known, F.col("event_id") == F.col("known_id"), "left")
    return joined.withColumn("fate", fate).drop("known_id", "known_ingested_at", "known_processed_at")


def uncommitted(processed_at: Column, position: Position | None) -> Column:
    """True for the rows of a run that never came to its report."""
    if position is None:
        return F.lit(True)
    is_later = processed_at > F.lit(position.processed_at).cast("timestamp")
    return is_later & ~processed_at.cast("string").isin(rebuild_texts(position))


def rebuild_texts(position: Position) -> list[str]:
    """The times of committed rebuilds as Spark prints a timestamp: without zeros at its end."""
    return [re.sub(r"\.?0+$", "", text) if "." in text else text for text in position.rebuilds] or [""]


def extract_known(spark: SparkSession, locations: dict[str, str], raw: DataFrame, raw_bytes: int) -> DataFrame | None:
    """Which of the arriving ids are curated already, on whatever date: the same id may come with another time.

    Only three columns are read, and 64-bit hashes of the arriving ids are sent to where the curated ones are, so
    that these need no shuffle. A hash may collide: the equality of the id itself decides in `classify`.
    """
    if not locations:
        return None
    known = (
        spark.read.schema("event_id string, ingested_at timestamp, processed_at timestamp")
        .parquet(*locations.values())
        .select("*", F.col("_metadata.file_path").alias("known_file"))
    )
    arriving = raw.select(F.xxhash64("event_id").alias("hash"))
    # Some 15 lines in a kilobyte of gzipped raw: below 128 MB the hashes take less than 64 MB in memory.
    if raw_bytes < 128_000_000:
        arriving = F.broadcast(arriving)
    return known.join(arriving, F.xxhash64("event_id") == F.col("hash"), "left_semi").select(
        F.col("event_id").alias("known_id"),
        F.col("ingested_at").alias("known_ingested_at"),
        F.col("processed_at").alias("known_processed_at"),
        "known_file",
    )


def extract_curated(spark: SparkSession, files: list[str]) -> DataFrame:
    """Whole rows of some files of the table; a file of an earlier version may have a key of a map twice."""
    schema = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    rows = spark.read.schema(schema).parquet(*files)
    return rows.withColumn("properties", each_key_once(F.col("properties")))


def derive(events: DataFrame, processed_at: str) -> DataFrame:
    """The columns that are computed; all of them from the event alone, so that a rerun computes the same."""
    is_purchase = F.col("event_type") == "purchase"
    # A purchase that names a price and no quantity is of one piece; the column `quantity` stays null.
    total = F.col("product_price") * F.coalesce(F.col("quantity"), F.lit(1))
    revenue = F.when(is_purchase, F.coalesce(total, F.lit(0.0))).otherwise(0.0)
    day = F.element_at(F.array(*map(F.lit, DAYS)), F.dayofweek("event_time"))
    return events.withColumns(
        {
            "revenue": revenue,
            "hour": F.hour("event_time"),
            "day_of_week": day,
            "processed_at": F.lit(processed_at).cast("timestamp"),
            "event_date": F.to_date("event_time"),
        }
    )


def to_table(events: DataFrame) -> DataFrame:
    """The table's columns in the table's order: the contract with everyone who queries it."""
    return events.select(*(F.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items()), "event_date")


def line_counts() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("lines"),
        F.count(F.when(~F.col("is_readable"), 1)).alias("unreadable"),
        set_as_text(F.when(~F.col("is_readable"), F.col("source"))).alias("unreadable_sources"),
    ]


def fate_counts() -> list[Column]:
    counts = [F.count(F.when(F.col("fate") == fate, 1)).alias(fate) for fate in FATES]
    is_curated = F.col("fate").isin("new", "recovered")
    is_conflict, is_known = F.col("fate") == "conflict", F.col("fate") == "known"
    return [
        *counts,
        set_as_text(F.when(is_curated, F.to_date("event_time"))).alias("dates"),
        # The few objects and files in which a second look has to find what may be in conflict.
        set_as_text(F.when(is_conflict | is_known, F.col("source"))).alias("sources"),
        set_as_text(F.when(is_conflict, F.col("first_source"))).alias("first_sources"),
        set_as_text(F.when(is_known, F.col("known_file"))).alias("known_files"),
    ]


def set_as_text(value: Column) -> Column:
    """As text: an observed array reaches Python as a Java object. Only what is in the set is made text."""
    return F.array_join(F.collect_set(value).cast("array<string>"), " ")
