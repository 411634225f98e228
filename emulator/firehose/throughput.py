"""The throughput quota of a delivery stream with direct PUT: requests, records and bytes a second.

https://docs.aws.amazon.com/firehose/latest/dev/limits.html, for us-east-1. CLICKSTREAM_FIREHOSE_LIMITS=1 enforces it.
The default is off, so that local runs do not wait.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

VARIABLE = "CLICKSTREAM_FIREHOSE_LIMITS"

REQUESTS, RECORDS, BYTES = 2_000, 500_000, 5 * 1024 * 1024
SLOW_DOWN = "Slow down."


class Throughput:
    """A token bucket of one second for each stream and each quota."""

    def __init__(self, enforced: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._enforced = os.environ.get(VARIABLE) == "1" if enforced is None else enforced
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, int], tuple[float, float]] = {}

    def admits_request(self, stream_arn: str) -> bool:
        return self._take(stream_arn, {REQUESTS: 1})

    def admits_record(self, stream_arn: str, size: int) -> bool:
        return self._take(stream_arn, {RECORDS: 1, BYTES: size})

    def _take(self, stream_arn: str, wanted: dict[int, int]) -> bool:
        """All or nothing. Each bucket is named by its rate."""
        if not self._enforced:
            return True
        with self._lock:
            now, left = self._clock(), {}
            for rate in wanted:
                tokens, then = self._buckets.get((stream_arn, rate), (float(rate), now))
                left[rate] = min(rate, tokens + (now - then) * rate)
            admitted = all(left[rate] >= count for rate, count in wanted.items())
            for rate, count in wanted.items():
                self._buckets[(stream_arn, rate)] = (left[rate] - (count if admitted else 0), now)
        return admitted
