"""Throttling: a token bucket for each route of a stage, and one for the account.

The settings of a stage hold for each of its routes, and the settings of a route replace them.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The default quota of an account in a Region.
ACCOUNT_RATE, ACCOUNT_BURST = 10_000.0, 5_000
RATE, BURST = "throttlingRateLimit", "throttlingBurstLimit"


@dataclass
class _Bucket:
    rate: float
    burst: float
    tokens: float
    filled: float


class Throttle:
    """Holds the buckets. A bucket with other limits than before starts full."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, api_id: str, stage: dict[str, Any], route_key: str) -> bool:
        """Whether a request to the route may pass. One that may not takes no token of the account."""
        rate, burst = limits(stage, route_key)
        limited = rate is not None or burst is not None
        with self._lock:
            if limited and not self._take(
                (api_id, stage["stageName"], route_key),
                ACCOUNT_RATE if rate is None else rate,
                ACCOUNT_BURST if burst is None else burst,
            ):
                return False
            return self._take(("account",), ACCOUNT_RATE, ACCOUNT_BURST)

    def _take(self, key: tuple[str, ...], rate: float, burst: float) -> bool:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
            bucket = self._buckets[key] = _Bucket(rate, burst, burst, now)
        bucket.tokens = min(bucket.burst, bucket.tokens + (now - bucket.filled) * bucket.rate)
        bucket.filled = now
        # A rate of 0 lets nothing pass, whatever the burst.
        if bucket.rate <= 0 or bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def limits(stage: dict[str, Any], route_key: str) -> tuple[float | None, int | None]:
    """Rate and burst of a route in a stage, None where neither sets it."""
    settings = [(stage.get("routeSettings") or {}).get(route_key) or {}, stage.get("defaultRouteSettings") or {}]
    rate = next((found[RATE] for found in settings if found.get(RATE) is not None), None)
    burst = next((found[BURST] for found in settings if found.get(BURST) is not None), None)
    return rate, burst
