"""Finds different events with a known id in a second pass, and quarantines them."""

import functools
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from clickstream.arrived import Arrived
from clickstream.contract import CONTENT, IP_FIELDS, LATER_COLUMNS, PRIVACY_FIELDS, URL_FIELDS
from clickstream.counts import Counts
from clickstream.keys import CONFLICT_SUFFIX
from clickstream.log import say
from clickstream.patterns import name_pattern
from clickstream.privacy import mask, protect
from clickstream.quarantine import by_object, conflict_line, load_quarantine
from clickstream.raw import extract_lines, sources_in
from clickstream.rows import extract_curated, known_rows
from clickstream.run import Run


def load_conflicts(run: Run, arrived: Arrived, counts: Counts) -> int:
    """Separates different events with a known id from copies, quarantines them, and returns their number.

    Reads only the raw objects and the curated files that contain such ids.
    """
    spark, raw = arrived.spark, arrived.raw
    lines = extract_lines(raw, sources_in(counts["sources"]) | sources_in(counts["first_sources"]))
    files = [unquote(file) for file in counts["known_files"].split()]
    curated = extract_curated(spark, files) if files else None
    # These lines are only compared, so the file of a row is not needed again.
    place = {"event_date": F.to_date("event_time"), "file": F.lit("")}
    judged = arrived.fates_of(lines, curated and known_rows(curated.withColumns(place)))
    columns = ("source", "value", "event_id")
    conflicts = judged.where("fate = 'conflict'").select(*columns)
    if curated:
        conflicts = conflicts.unionByName(differing(run, spark, judged, curated).select(*columns))
    rows = ((uri, conflict_line(row["value"], row["event_id"])) for uri, row in by_object(raw, conflicts))
    found = load_quarantine(run, rows, CONFLICT_SUFFIX)
    if not counts["conflict"] <= found <= counts["conflict"] + counts["known"]:
        raise RuntimeError(
            f"Expected {counts['conflict']:,} to {counts['conflict'] + counts['known']:,} events with the id of "
            f"another event, but found {found:,}. Nothing was committed: start the pipeline again for the same events."
        )
    if found:
        say(f"put {found:,} events with the id of another event into quarantine", level="WARN")
    return found


def differing(run: Run, spark: SparkSession, judged: DataFrame, curated: DataFrame) -> DataFrame:
    """The `known` lines whose content differs from the curated row with the same id."""
    options = run.options
    known = judged.where("fate = 'known'")
    as_sent = F.struct(*CONTENT, "properties").alias("sent")
    known = protect(known.select("*", as_sent), spark, options.privacy, options.privacy_key)
    row = F.struct(*CONTENT, "properties").alias("row")
    rows = curated.select(F.col("event_id").alias("row_id"), F.to_date("event_time").alias("row_date"), row)
    is_same = (F.col("event_id") == F.col("row_id")) & (F.col("known.event_date") == F.col("row_date"))
    joined = known.join(rows, is_same)
    return joined.where(functools.reduce(Column.__or__, [differs(name) for name in CONTENT], properties_differ()))


def differs(name: str) -> Column:
    """True if a column of the curated row is neither the sent value nor the result of a privacy rule.

    The rules may have been different when the row was written, and the row does not record them.
    """
    sent, now, row = F.col(f"sent.{name}"), F.col(name), F.col(f"row.{name}")
    is_same = sent.eqNullSafe(row) | now.eqNullSafe(row)
    if name in PRIVACY_FIELDS:
        is_same = is_same | may_be_ruled(row)
    if name in LATER_COLUMNS:
        # A row that is older than the column has the value in its properties.
        before = F.element_at("row.properties", F.lit(name))
        is_same = is_same | (row.isNull() & (before.eqNullSafe(sent) | before.eqNullSafe(now)))
    if name in (*URL_FIELDS, *IP_FIELDS):
        is_same = is_same | mask(name, now).eqNullSafe(row)
    return ~F.coalesce(is_same, F.lit(False))


def may_be_ruled(value: Column) -> Column:
    """True for a masked or hashed value."""
    return F.coalesce(value.rlike(r"^.?\*\*\*$|^[0-9a-f]{64}$"), F.lit(False))


def properties_differ() -> Column:
    """The same for the map. A property that is in only one of them counts, unless privacy rules apply to its name."""
    sent, now, row = (
        F.coalesce(F.col(f"{of}properties"), F.create_map().cast("map<string,string>")) for of in ("sent.", "", "row.")
    )
    ruled = "|".join(name_pattern(name) for name in PRIVACY_FIELDS)

    def changed(key: Column, value: Column) -> Column:
        is_same = value.eqNullSafe(F.element_at(sent, key)) | value.eqNullSafe(F.element_at(now, key))
        return ~(is_same | may_be_ruled(value) | key.rlike(f"(?:{ruled})$"))

    def is_gone(key: Column, _: Column) -> Column:
        return ~(F.array_contains(F.map_keys(row), key) | key.rlike(f"(?:{ruled})$"))

    return (F.size(F.map_filter(row, changed)) > 0) | (F.size(F.map_filter(now, is_gone)) > 0)
