"""Lambda's queue of asynchronous events: when each is due, and how many of a function run at the same time.

Each function has its own queue, as on AWS, so that functions do not wait for each other.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# How many events of one function run at the same time. Each needs a process of its own. AWS runs up to 1,000.
PARALLEL = 4

logger = logging.getLogger("lambda-events")


@dataclass
class QueuedEvent:
    """An event that Lambda has accepted, and the state of its attempts."""

    function_arn: str
    request_id: str
    event: Any
    accepted: float
    # The context of the request that brought it, for the depth of recursive invocations.
    context: contextvars.Context
    invocations: int = 0
    retries: int = 0
    throttles: int = 0
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def function(self) -> str:
        """The function without its version or alias: all of them share one queue."""
        return ":".join(self.function_arn.split(":")[:7])


Attempt = Callable[[QueuedEvent], float | None]
Limit = Callable[[str], int]


class EventQueue(threading.Thread):
    """Runs `attempt` for each event when it is due. It returns when to try again, or None if the event is done."""

    def __init__(self, attempt: Attempt, limit: Limit) -> None:
        super().__init__(daemon=True, name="lambda-events")
        self._attempt, self._limit = attempt, limit
        self._waiting: dict[str, list[tuple[float, int, QueuedEvent]]] = {}
        self._running: dict[str, int] = {}
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False

    def add(self, event: QueuedEvent, due: float = 0.0) -> None:
        with self._changed:
            heapq.heappush(self._waiting.setdefault(event.function, []), (due, next(self._order), event))
            self._changed.notify()

    def stop(self) -> int:
        """Start no further attempt. Returns how many events still wait."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
            return sum(map(len, self._waiting.values()))

    def run(self) -> None:
        while (event := self._next()) is not None:
            threading.Thread(target=event.context.run, args=(self._work, event), daemon=True).start()

    def _next(self) -> QueuedEvent | None:
        """Wait until an event is due and its function may run once more. None if the queue has been stopped."""
        with self._changed:
            while not self._stopped:
                now, soonest = time.time(), float("inf")
                for function, heap in list(self._waiting.items()):
                    if not heap:
                        del self._waiting[function]
                    elif self._running.get(function, 0) < self._limit(function):
                        if heap[0][0] <= now:
                            self._running[function] = self._running.get(function, 0) + 1
                            return heapq.heappop(heap)[2]
                        soonest = min(soonest, heap[0][0])
                self._changed.wait(None if soonest == float("inf") else soonest - now)
            return None

    def _work(self, event: QueuedEvent) -> None:
        due = None
        try:
            due = self._attempt(event)
        except Exception:
            logger.exception("the event %s of %s is lost", event.request_id, event.function_arn)
        with self._changed:
            self._running[event.function] -= 1
            if not self._running[event.function]:
                del self._running[event.function]
            self._changed.notify()
        if due is not None:
            self.add(event, due)
