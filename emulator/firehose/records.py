"""A record on its way through a delivery stream."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from typing import Any

# Bytes of a record in the event of the Lambda besides its data: names, id and times. Rounded up.
FRAME_BYTES = 200
KINESIS_FRAME_BYTES = 300

_numbers = itertools.count(1)
# Different in each run of the emulator.
_RUN = f"{uuid.uuid4().int % 10**18:018d}"


@dataclass(frozen=True)
class Record:
    """`size` is that of the source record, which AWS counts in its metrics after a transformation too."""

    id: str
    data: bytes
    arrival: float
    size: int
    # kinesisRecordMetadata of the Lambda's event.
    kinesis: dict[str, Any] | None = None

    @property
    def event_bytes(self) -> int:
        """At most so many bytes of the event of the Lambda."""
        frame = FRAME_BYTES
        if self.kinesis:
            frame += KINESIS_FRAME_BYTES + 6 * len(self.kinesis["partitionKey"])
        return (len(self.data) + 2) // 3 * 4 + frame


def new_record(data: bytes, arrival: float, kinesis: dict[str, Any] | None = None) -> Record:
    return Record(f"49{_RUN}{next(_numbers):036d}000000", data, arrival, len(data), kinesis)
