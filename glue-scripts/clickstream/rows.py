"""Transforms raw lines into table rows. All functions take and return DataFrames or columns."""

import functools
import re
from typing import Literal, get_args

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from clickstream.contract import CONTENT, EVENT_COLUMNS, FIELDS
from clickstream.head import Position
from clickstream.keys import EVENT_DATE

Fate = Literal["new", "recovered", "redelivered", "duplicate", "conflict", "known"]

FATES: tuple[Fate, ...] = get_args(Fate)

# The years of Python's dates, which name the folders of the table. Spark reads more.
YEARS = (1, 9999)

KNOWN_ROW = "struct<event_date: date, ingested_at: timestamp, processed_at: timestamp, file: string>"

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def flatten(raw: DataFrame, *beside: str) -> DataFrame:
    """Selects the table's columns, the arrival columns that decide between copies, and the columns in `beside`."""
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
    """True if a raw line has all required values of a row."""
    time = instant(F.col("event_time"))
    needed = [F.col("_unparsed").isNull(), time.isNotNull(), F.year(time).between(*YEARS)]
    needed += [F.coalesce(F.col(name), F.lit("")) != "" for name in ("event_id", "event_type")]
    needed += [value.isNotNull() for value in arrival.values()]
    return functools.reduce(Column.__and__, needed)


def content_hash() -> Column:
    """64-bit hash of the content of an event, independent of the order of its properties."""
    return F.xxhash64(*CONTENT, F.sort_array(F.map_entries("properties")))


def each_key_once(names: Column) -> Column:
    """Removes duplicate keys, which Spark reads from both JSON and Parquet. The last value of a key counts."""
    # Spark compiles this, unlike transform_keys.
    return F.map_concat(names)


def instant(text: Column) -> Column:
    """Casts text to a timestamp. Removes a final `Z` first, as the session time zone is UTC and zones are slow.

    Spark compiles patterns for each zone that it reads. Other zones are kept and read. Text with more than one `Z` is
    kept too, and is not a valid time.
    """
    without_zone = F.substring_index(text, "Z", 1)
    is_utc = F.concat(without_zone, F.lit("Z")) == text
    return F.when(is_utc, without_zone).otherwise(text).cast("timestamp")


def mark_taken(events: DataFrame, spark: SparkSession, ranges: list[tuple[str, str, str]]) -> DataFrame:
    """Marks lines in a range that an earlier run processed, so that redelivered copies are not counted again."""
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


def match_known(events: DataFrame, known: DataFrame | None, dedupe_days: int) -> DataFrame:
    """Adds the curated row of the same event to each line, as the struct `known`. It is null if there is none.

    The row of the same date comes first. `known` has the curated rows of each id.
    """
    none = F.lit(None).cast(KNOWN_ROW).alias("known")
    if known is None:
        return events.select("*", none)
    day = F.to_date("event_time")

    def is_near(row: Column) -> Column:
        return is_within(row["ingested_at"], F.col("ingested_at"), dedupe_days)

    found = F.coalesce(
        F.get(F.filter("known_rows", lambda row: row["event_date"] == day), F.lit(0)),
        F.get(F.filter("known_rows", is_near), F.lit(0)),
    )
    joined = events.join(known, F.col("event_id") == F.col("known_id"), "left")
    return joined.withColumn("known", found).drop("known_id", "known_rows")


def is_within(one: Column, other: Column, days: int) -> Column:
    """True if two times are at most this many days of 24 hours apart."""
    return F.abs(F.unix_micros(one) - F.unix_micros(other)) <= days * 24 * 3600 * 1_000_000


def split_distant(events: DataFrame, dedupe_days: int) -> DataFrame:
    """Separates copies that arrived long after the first one and have another date: they are events of their own."""
    first = Window.partitionBy("event_id", "known.event_date").orderBy("ingested_at")
    day = F.to_date("event_time")
    is_distant = (day != F.first(day).over(first)) & ~is_within(
        F.col("ingested_at"), F.first("ingested_at").over(first), dedupe_days
    )
    return events.withColumn("apart", F.when(is_distant, day))


def order_copies(events: DataFrame, distant_days: int | None = None) -> DataFrame:
    """Numbers the copies of each event by arrival. Kinesis delivers at least once, so the first copy wins.

    A line with the same shard, sequence number and position is a redelivery, not a second event. Each copy also gets
    the content and source of the first one. Copies of the same curated row are numbered separately.
    If the lines arrived within more than `distant_days`, copies with another date can be separate events.
    """
    same = ["event_id", "known.event_date"]
    if distant_days is not None:
        events = split_distant(events, distant_days)
        same.append("apart")
    arrival = Window.partitionBy(*same).orderBy(
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
    # Only copies with the same arrival share a rank, so a redelivery has a row number above its rank.
    return copies.withColumn("is_again", F.col("copy") > F.col("place")).drop("place", "apart")


def classify(copies: DataFrame, position: Position | None) -> DataFrame:
    """Gives each line its fate: new, recovered, redelivered, duplicate, conflict or known.

    `recovered`: an interrupted run wrote the row, and it was kept because some raw objects of that run no longer
    exist. That run was not committed, so this run counts the row.
    `conflict`: a different event with the id of the first one.
    `known`: a line with the id of a curated row. `load_conflicts` decides whether it is a duplicate or a conflict.
    """
    is_first = F.col("copy") == 1
    is_redelivered = F.col("is_again") | F.col("was_taken")
    among_new = (
        F.when(is_first, "new")
        .when(is_redelivered, "redelivered")
        .when(F.col("content") == F.col("first_content"), "duplicate")
        .otherwise("conflict")
    )
    is_same_copy = is_first & (F.col("known.ingested_at") == F.col("ingested_at"))
    fate = (
        F.when(F.col("known").isNull(), among_new)
        .when(is_same_copy & uncommitted(F.col("known.processed_at"), position), "recovered")
        .when(is_same_copy | is_redelivered, "redelivered")
        .otherwise("known")
    )
    return copies.withColumn("fate", fate)


def uncommitted(processed_at: Column, position: Position | None) -> Column:
    """True for the rows of a run without a report."""
    if position is None:
        return F.lit(True)
    is_later = processed_at > F.lit(position.processed_at).cast("timestamp")
    return is_later & ~processed_at.cast("string").isin(rebuild_texts(position))


def rebuild_texts(position: Position) -> list[str]:
    """The times of committed rebuilds in Spark's timestamp format, without trailing zeros."""
    return [re.sub(r"\.?0+$", "", text) if "." in text else text for text in position.rebuilds] or [""]


def extract_known(
    spark: SparkSession, locations: list[str], ids: DataFrame, raw_bytes: int, withdrawn: tuple[str, ...] = ()
) -> DataFrame | None:
    """Finds the curated rows of arriving ids at these locations: one row per id, with `known_rows`.

    Reads only three columns. A semi-join on 64-bit hashes of the arriving ids avoids a shuffle of the curated rows.
    Hashes can collide, so `match_known` compares the ids themselves.
    """
    if not locations:
        return None
    curated = (
        spark.read.schema("event_id string, ingested_at timestamp, processed_at timestamp")
        .parquet(*locations)
        .select("*", F.col("_metadata.file_path").alias("file"))
    )
    if withdrawn:
        curated = curated.where(~F.col("file").rlike(f"/part-({'|'.join(map(re.escape, withdrawn))})-[^/]*$"))
    arriving = ids.select("hash")
    # A kilobyte of gzipped raw data has about 15 lines. Below 128 MB the hashes take less than 64 MB in memory.
    if raw_bytes < 128_000_000:
        arriving = F.broadcast(arriving)
    found = curated.join(arriving, F.xxhash64("event_id") == F.col("hash"), "left_semi")
    day = F.regexp_extract("file", EVENT_DATE.pattern, 1).cast("date")
    return known_rows(found.withColumn("event_date", day))


def known_rows(curated: DataFrame) -> DataFrame:
    """Collects the curated rows of each id. An id can have several, each with another date."""
    row = F.struct("event_date", "ingested_at", "processed_at", "file")
    return curated.groupBy(F.col("event_id").alias("known_id")).agg(
        F.sort_array(F.collect_list(row)).alias("known_rows")
    )


def extract_curated(spark: SparkSession, files: list[str]) -> DataFrame:
    """Reads whole rows of some files of the table. Files of an earlier version can have duplicate map keys."""
    schema = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS.items())
    rows = spark.read.schema(schema).parquet(*files)
    return rows.withColumn("properties", each_key_once(F.col("properties")))


def derive(events: DataFrame, processed_at: str) -> DataFrame:
    """Adds the computed columns. They depend only on the event, so a rerun gives the same values."""
    is_purchase = F.col("event_type") == "purchase"
    # A purchase with a price and no quantity counts as one piece. The column `quantity` stays null.
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


def to_table(events: DataFrame, *beside: Column | str) -> DataFrame:
    """Selects the columns of the table, in the order of the contract, and the columns in `beside`."""
    return events.select(*(F.col(name).cast(kind) for name, kind in EVENT_COLUMNS.items()), "event_date", *beside)


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
        # The few objects and files that the second pass reads to find conflicts.
        set_as_text(F.when(is_conflict | is_known, F.col("source"))).alias("sources"),
        set_as_text(F.when(is_conflict, F.col("first_source"))).alias("first_sources"),
        set_as_text(F.when(is_known, F.col("known.file"))).alias("known_files"),
    ]


def set_as_text(value: Column) -> Column:
    """Returns the set as text, because Python receives an observed array as a Java object."""
    return F.array_join(F.collect_set(value).cast("array<string>"), " ")
