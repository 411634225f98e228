"""The counts of a run."""

import threading
from typing import Any, TypedDict

from pyspark.sql import Column, DataFrame, Observation

from clickstream.rows import FATES, fate_counts, line_counts

OBSERVATION_SECONDS = 30


class Counts(TypedDict):
    """Counts of the lines, and of the fates of the readable lines. Sets are texts with spaces."""

    lines: int
    unreadable: int
    unreadable_sources: str
    new: int
    recovered: int
    redelivered: int
    duplicate: int
    conflict: int
    known: int
    dates: str
    sources: str
    first_sources: str
    known_files: str


def observed_counts(observation: Observation) -> dict[str, Any] | None:
    """Returns the observed counts, or None if Spark did not deliver them. Observation.get alone would wait forever."""
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(OBSERVATION_SECONDS)
    return found[0] if found else None


def counted(events: DataFrame, judged: DataFrame) -> Counts:
    """Counts the lines, and the readable lines by fate."""
    return Counts(**count_rows(events, line_counts()), **count_rows(judged, fate_counts()))


def count_rows(rows: DataFrame, counts: list[Column]) -> dict[str, Any]:
    """Computes these counts. Spark returns one row, also if there is nothing to count."""
    [row] = rows.agg(*counts).collect()
    return row.asDict()


def check(counts: Counts, written: int) -> None:
    if written != counts["new"]:
        raise RuntimeError(
            f"{counts['new']:,} new events, but {written:,} rows in the files of this run. "
            "Nothing was committed, and these files are removed: start the pipeline again for the same events."
        )
    if counts["lines"] != counts["unreadable"] + fate_sum(counts):
        raise RuntimeError(
            f"{counts['lines']:,} raw lines, but {counts['unreadable'] + fate_sum(counts):,} of them were "
            "counted by fate. Nothing was committed: start the pipeline again for the same events."
        )


def fate_sum(counts: Counts) -> int:
    return sum(counts[fate] for fate in FATES)
