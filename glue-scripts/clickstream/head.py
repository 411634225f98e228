"""The head object: the state of the lake after the last committed run. A conditional PUT replaces it, the commit."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from clickstream.arguments import Options
from clickstream.compaction_plan import MB, SETTLED_SPARE, most_files
from clickstream.storage import Store

VERSION = 2

# An object can have an earlier LastModified than a listing that missed it. One hour covers clock differences and slow
# uploads.
LISTING_MARGIN = timedelta(hours=1)


class UnknownVersion(Exception):
    """A later version of this job wrote the head object."""


@dataclass(frozen=True)
class Position:
    """The position of the last committed run."""

    listed_at: datetime
    processed_at: str
    rebuilds: list[str]

    def to_json(self) -> dict:
        return {
            "listed_at": self.listed_at.isoformat(),
            "processed_at": self.processed_at,
            "rebuilds": self.rebuilds,
        }

    @staticmethod
    def from_json(saved: dict) -> "Position":
        return Position(datetime.fromisoformat(saved["listed_at"]), saved["processed_at"], saved["rebuilds"])


@dataclass(frozen=True)
class TakenList:
    """Where a run wrote the URIs of the objects that it processed, and when it was committed."""

    at: datetime
    uri: str


@dataclass(frozen=True)
class DateFiles:
    """The files of a date: when a run last wrote to it, their number and their size in bytes."""

    written_at: datetime
    files: int
    bytes: int


@dataclass(frozen=True)
class Head:
    """The state after the last committed run. `tag` is the ETag of the object, None if there is no object yet.

    `moving` has the locations to which a compaction switches dates. The next run repeats such a switch, because the
    compaction may have been killed before it.
    """

    execution: str | None = None
    stamp: str | None = None
    committed_at: datetime | None = None
    position: Position | None = None
    claimed_by: str | None = None
    retention_hours: int = 0
    taken: list[TakenList] = field(default_factory=list)
    dates: dict[str, DateFiles] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)
    tag: str | None = None

    def to_json(self) -> dict:
        return {
            "version": VERSION,
            "execution": self.execution,
            "stamp": self.stamp,
            "committed_at": self.committed_at.isoformat() if self.committed_at else None,
            "position": self.position.to_json() if self.position else None,
            "claimed_by": self.claimed_by,
            "retention_hours": self.retention_hours,
            "taken": [{"at": one.at.isoformat(), "list": one.uri} for one in self.taken],
            "dates": {
                day: {"written_at": one.written_at.isoformat(), "files": one.files, "bytes": one.bytes}
                for day, one in sorted(self.dates.items())
            },
            "moving": self.moving,
        }

    @staticmethod
    def from_json(saved: dict, tag: str | None) -> "Head":
        if saved["version"] != VERSION:
            raise UnknownVersion(
                f"The head object has version {saved['version']}, this job reads version {VERSION}. A later version of "
                "the job has written to this lake: deploy that version again."
            )
        return Head(
            execution=saved["execution"],
            stamp=saved["stamp"],
            committed_at=datetime.fromisoformat(saved["committed_at"]) if saved["committed_at"] else None,
            position=Position.from_json(saved["position"]) if saved["position"] else None,
            claimed_by=saved["claimed_by"],
            retention_hours=saved["retention_hours"],
            taken=[TakenList(datetime.fromisoformat(one["at"]), one["list"]) for one in saved["taken"]],
            dates={
                day: DateFiles(datetime.fromisoformat(one["written_at"]), one["files"], one["bytes"])
                for day, one in saved["dates"].items()
            },
            moving=saved.get("moving", {}),
            tag=tag,
        )

    def dates_written_since(self, moment: datetime) -> set[str]:
        return {day for day, one in self.dates.items() if one.written_at >= moment}


def read_head(store: Store, options: Options) -> Head | None:
    """Returns the head, or None if this version of the job has not committed a run yet."""
    found = store.get_tagged(options.head_uri)
    return Head.from_json(json.loads(found[0]), found[1]) if found else None


def swap_head(store: Store, options: Options, before: Head, after: Head) -> Head | None:
    """Replaces the head. Returns None if it is no longer the one before: another run has replaced it."""
    body = json.dumps(after.to_json(), indent=1).encode()
    if tag := store.swap(options.head_uri, body, before.tag):
        return replace(after, tag=tag)
    # After a lost response the PUT is retried, and then finds the head of this same attempt.
    found = read_head(store, options)
    is_own = found is not None and (found.stamp, found.claimed_by) == (after.stamp, after.claimed_by)
    return found if is_own else None


def keep_recent(head: Head, options: Options) -> Head:
    """Drops what no later run can need, so that the size of the head does not depend on the age of the lake.

    A raw object that the next run finds new has arrived at most the stream's retention before this run's listing.
    """
    if head.position is None:
        return head
    earliest = earliest_arrival(head.position, options)
    kept = head.dates_written_since(earliest - timedelta(days=options.dedupe_days))
    target = options.target_file_mb * MB
    kept |= {day for day, one in head.dates.items() if one.files > most_files(one.bytes, target) + SETTLED_SPARE}
    return replace(
        head,
        taken=[one for one in head.taken if one.at >= earliest],
        dates={day: one for day, one in head.dates.items() if day in kept},
    )


def earliest_arrival(position: Position, options: Options, retention_hours: int = 0) -> datetime:
    """The earliest time at which an object can have arrived that the listing at this position did not contain."""
    hours = max(options.retention_hours, retention_hours)
    return position.listed_at - timedelta(hours=hours) - LISTING_MARGIN
