"""Collects records until a size or an interval is reached: before the Lambda, and before S3."""

from __future__ import annotations

from dataclasses import dataclass, field

from .records import Record


@dataclass(frozen=True)
class Limit:
    """When a buffer is full. `event_bytes` is the most that the Lambda's event may have."""

    bytes: int
    seconds: float
    event_bytes: float = float("inf")


@dataclass
class Buffer:
    """A full batch has at most the limit's bytes, or one record. Times are of time.monotonic()."""

    records: list[Record] = field(default_factory=list)
    _full: list[list[Record]] = field(default_factory=list)
    _bytes: int = 0
    _event_bytes: int = 0
    _since: float = 0.0

    def add(self, record: Record, limit: Limit, now: float) -> None:
        size = len(record.data)
        if self.records and (
            self._bytes + size > limit.bytes or self._event_bytes + record.event_bytes > limit.event_bytes
        ):
            self._seal()
        if not self.records:
            self._since = now
        self.records.append(record)
        self._bytes += size
        self._event_bytes += record.event_bytes
        if self._bytes >= limit.bytes:
            self._seal()

    def take_due(self, limit: Limit, now: float) -> list[list[Record]]:
        """The batches that are full or whose interval is over."""
        if self.records and now >= self._since + limit.seconds:
            self._seal()
        due, self._full = self._full, []
        return due

    def due_at(self, limit: Limit) -> float | None:
        """When the interval of the open batch is over. None without one."""
        return self._since + limit.seconds if self.records else None

    def all(self) -> list[Record]:
        return [record for batch in (*self._full, self.records) for record in batch]

    def _seal(self) -> None:
        self._full.append(self.records)
        self.records, self._bytes, self._event_bytes = [], 0, 0
