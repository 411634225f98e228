"""The raw lines of a run, and how each of them gets its fate."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation, SparkSession

from clickstream.progress import Work, taken_ranges
from clickstream.raw import Raw, extract_raw
from clickstream.rows import classify, fate_counts, flatten, line_counts, mark_taken, match_known, order_copies


@dataclass(frozen=True)
class Arrived:
    """The raw lines of a run, and the data that decides which of them are new.

    `distant_days` is `dedupe_days` if two of the lines can have arrived that long after each other, else None.
    """

    spark: SparkSession
    work: Work
    raw: Raw
    known: DataFrame | None
    locations: dict[str, str]
    dedupe_days: int
    distant_days: int | None

    def judge(self, lines: Observation | None = None, fates: Observation | None = None) -> tuple[DataFrame, DataFrame]:
        """Returns all lines, and the readable lines with their fate. Counts them if an observation is given."""
        events = flatten(extract_raw(self.raw), "source")
        events = events.observe(lines, *line_counts()) if lines else events
        judged = self.fates_of(events, self.known)
        return events, judged.observe(fates, *fate_counts()) if fates else judged

    def fates_of(self, events: DataFrame, known: DataFrame | None) -> DataFrame:
        """The readable lines, each with its fate."""
        readable = mark_taken(events.where("is_readable"), self.spark, taken_ranges(self.work))
        copies = order_copies(match_known(readable, known, self.dedupe_days), self.distant_days)
        return classify(copies, self.work.position)
