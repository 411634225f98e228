"""The counts of a run, collected while its rows are written."""

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


def observed(lines: Observation, fates: Observation) -> Counts | None:
    """Returns both observations as one, or None if Spark did not deliver both."""
    of_lines, of_fates = observed_counts(lines), observed_counts(fates)
    return None if of_lines is None or of_fates is None else Counts(**of_lines, **of_fates)


def observed_counts(observation: Observation) -> dict[str, Any] | None:
    """Returns the observed counts, or None if Spark did not deliver them. Observation.get alone would wait forever."""
    found: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: found.append(observation.get), daemon=True)
    waiting.start()
    waiting.join(OBSERVATION_SECONDS)
    return found[0] if found else None


def counted(events: DataFrame, judged: DataFrame) -> Counts:
    """Computes the same counts in a separate pass."""
    return Counts(**count_rows(events, line_counts()), **count_rows(judged, fate_counts()))


def count_rows(rows: DataFrame, counts: list[Column]) -> dict[str, Any]:
    """Computes these counts in a separate pass. Spark returns one row, also if there is nothing to count."""
    [row] = rows.agg(*counts).collect()
    return row.asDict()


def adds_up(counts: Counts, written: int) -> bool:
    """True if each line has a fate, and each new event a row."""
    return written == counts["new"] and counts["lines"] == counts["unreadable"] + fate_sum(counts)


def check(counts: Counts, written: int) -> None:
    if written != counts["new"]:
        raise RuntimeError(
            f"{counts['new']:,} new events, but {written:,} rows in the files of this run. "
            "Nothing was committed, and these files are removed: start the pipeline again for the same events."
        )
    if not adds_up(counts, written):
        raise RuntimeError(
            f"{counts['lines']:,} raw lines, but {counts['unreadable'] + fate_sum(counts):,} of them were "
            "counted by fate. Nothing was committed: start the pipeline again for the same events."
        )


def fate_sum(counts: Counts) -> int:
    return sum(counts[fate] for fate in FATES)
