"""Decides which dates a compaction rewrites, and which of their files. Uses no Spark and no clients."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, Protocol

from clickstream.storage import MOST_COPIED, StoredObject

# Most late events arrive within two days, so an older date gets few more files.
SETTLED_AFTER = timedelta(days=2)

# A file of late rows beside the large ones. Without it, each late event would rewrite its whole date.
SETTLED_SPARE = 1

# A younger date still gets files with each run. It is only compacted when it has this many more than needed.
SPARE_FILES = 16

# A file of this share of the target is large. It is copied inside S3 and not written again.
LARGE = 0.5

# A smaller file is merged with the late files of its date once these have a quarter of its size. Until then it is
# copied too, so that a few late rows do not rewrite the rows of a whole date.
MUCH_LARGER = 4

# A merged file can be this much larger than the target. A large date can then get several late files before it is due
# again, and files that got smaller by the merge are not too many.
FILL = 1.25

MB = 1_000_000

# A chunk of a compaction is one Spark job and one switch. After each chunk the time is checked.
CHUNK_BYTES = 512 * MB
CHUNK_COPIED = 10_000 * MB


class HasFiles(Protocol):
    """What counts for a date: the entry in the head object, or what was listed."""

    @property
    def files(self) -> int: ...

    @property
    def bytes(self) -> int: ...


class FileCount(NamedTuple):
    """The number of files of one date, and their bytes together."""

    files: int
    bytes: int


@dataclass(frozen=True)
class DatePlan:
    """What happens to the files of one date: some are copied, and the others are merged into `parts` files."""

    day: str
    location: str
    copied: tuple[StoredObject, ...]
    merged: tuple[StoredObject, ...]
    parts: int

    @property
    def before(self) -> FileCount:
        return files_of([*self.copied, *self.merged])

    @property
    def rewritten(self) -> int:
        return sum(one.size for one in self.merged)


def files_of(objects: Iterable[StoredObject]) -> FileCount:
    sizes = [one.size for one in objects]
    return FileCount(len(sizes), sum(sizes))


def most_files(size: int, target: int) -> int:
    """How many files of the target size a date of this size has."""
    return max(1, math.ceil(size / target))


def due_dates(candidates: Mapping[str, HasFiles], today: date, target: int) -> list[str]:
    """The dates with too many files, oldest first."""
    settled = (today - SETTLED_AFTER).isoformat()

    def is_due(day: str) -> bool:
        found = candidates[day]
        return found.files > most_files(found.bytes, target) + (SETTLED_SPARE if day < settled else SPARE_FILES)

    return [day for day in sorted(candidates) if is_due(day)]


def data_files(location: str, objects: Iterable[StoredObject]) -> list[StoredObject]:
    """The files that readers see. They skip names that begin with `_` or `.`, and empty objects have no rows."""
    return [
        one
        for one in objects
        if one.size and not any(part.startswith(("_", ".")) for part in one.uri[len(location) :].split("/"))
    ]


def plan_date(day: str, location: str, files: list[StoredObject], target: int) -> DatePlan:
    """Merges the smallest files, until the date has few enough, and copies the others.

    Nothing is merged if there are few enough files already.
    """
    total = files_of(files).bytes
    most = most_files(total, target) + SETTLED_SPARE
    if len(files) <= most:
        return DatePlan(day, location, tuple(files), (), 0)
    # S3 copies no object of more than 5 GiB.
    merged = [one for one in files if one.size > MOST_COPIED]
    rest = sorted((one for one in files if one.size <= MOST_COPIED), key=lambda one: (one.size, one.uri), reverse=True)
    size = files_of(merged).bytes
    # Late rows are in smaller files.
    ordinary = min(total, target * LARGE) / 8
    while rest:
        following = rest[-1].size
        is_small = following < min(size * MUCH_LARGER, target * LARGE)
        if len(rest) + merged_files(size, target) <= most and not is_small:
            break
        if size and following >= max(ordinary, size * MUCH_LARGER):
            # A few late rows rewrite this file. Then there must be room for the next ones.
            most = most_files(total, target)
        merged.append(rest.pop())
        size += following
    return DatePlan(day, location, tuple(rest), tuple(merged), merged_files(size, target))


def merged_files(size: int, target: int) -> int:
    return math.ceil(size / (target * FILL))


def within_budget(plans: Iterable[DatePlan], budget: int) -> Iterator[DatePlan]:
    """The plans that a run has the bytes for, in their order.

    A date that is larger than the whole budget never fits. It is taken as the last one of a run, so that it is
    compacted at all.
    """
    spent = 0
    for plan in plans:
        is_too_large = plan.rewritten > budget
        if not is_too_large and spent + plan.rewritten > budget:
            return
        yield plan
        spent += plan.rewritten
        if is_too_large:
            return


def chunks(plans: Iterable[DatePlan]) -> Iterator[list[DatePlan]]:
    """Groups the plans, so that a group takes a limited time."""
    chunk: list[DatePlan] = []
    for plan in plans:
        chunk.append(plan)
        copied = sum(files_of(one.copied).bytes for one in chunk)
        if sum(one.rewritten for one in chunk) >= CHUNK_BYTES or copied >= CHUNK_COPIED:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
