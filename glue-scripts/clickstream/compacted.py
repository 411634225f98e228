"""The result of a compaction, which the report, the head object and the new rows of the run need."""

from dataclasses import dataclass, field
from typing import NamedTuple

from clickstream.compaction_plan import FileCount


class CompactedDate(NamedTuple):
    """One compacted date: where it was and is, and its files."""

    day: str
    old: str
    new: str
    before: FileCount
    after: FileCount
    rewritten: int


@dataclass(frozen=True)
class Compacted:
    """The result of a compaction. `figures` has what was found for each date that was looked at."""

    dates: list[CompactedDate] = field(default_factory=list)
    figures: dict[str, FileCount] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0
    # Why the compaction ended early. The rows of the run are committed before it starts.
    error: str | None = None

    @property
    def locations(self) -> dict[str, str]:
        """The new location of each compacted date."""
        return {one.day: one.new for one in self.dates}

    @property
    def retired(self) -> list[str]:
        """The locations that are no longer used."""
        return [one.old for one in self.dates]

    def to_json(self) -> dict:
        """The part of a run's report. `bytes` were read and written again, `left` are dates for a later run."""
        return {
            "dates": len(self.dates),
            "files_before": sum(one.before.files for one in self.dates),
            "files_after": sum(one.after.files for one in self.dates),
            "bytes": sum(one.rewritten for one in self.dates),
            "left": len(self.left),
            "seconds": self.seconds,
        } | ({"error": self.error} if self.error else {})
