"""Reads one shard for one event source mapping and invokes the function with its records, as Lambda documents it.

One thread per mapping and shard: the order within a shard is kept, and shards do not wait for each other. The position
is a sequence number. It moves forward only after the function succeeded or the on-failure destination received the
record, so no record is lost.
"""

from __future__ import annotations

import bisect
import json
import logging
import threading
import time
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ministack.core.responses import request_scope
from ministack.services import kinesis, lambda_svc

from ..core import request_log
from ..core.context import Context
from ..iam import permissions
from . import on_failure, streams

# Lambda's limit for the payload of a synchronous invocation.
MAX_EVENT_BYTES = 6 * 1024 * 1024
EVENT_FRAME_BYTES = len('{"Records": []}')

FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0
IDLE_SECONDS = 1.0

# The wording of AWS in LastProcessingResult.
OK = "OK"
FUNCTION_FAILED = "PROBLEM: Function call failed"

logger = logging.getLogger("kinesis-mapping")

Record = dict[str, Any]


def sequence(record: Record) -> str:
    return record["kinesis"]["sequenceNumber"]


@dataclass(frozen=True)
class Work:
    """Records for an invocation, and the state of earlier tries."""

    records: list[Record]
    # The position after the batch. Past the last record if a filter removed later ones.
    through: str
    retries: int = 0
    invocations: int = 0

    def after(self, count: int) -> Work:
        return replace(self, records=self.records[count:])

    def halves(self) -> list[Work]:
        """Splitting does not use up retries."""
        middle = len(self.records) // 2
        left, right = self.records[:middle], self.records[middle:]
        return [replace(self, records=left, through=sequence(left[-1])), replace(self, records=right)]


@dataclass(frozen=True)
class Outcome:
    """The first `done` records are finished. Not `invoked`: the function did not receive the batch."""

    done: int
    invoked: bool = True
    request_id: str = ""


class Batch:
    """Collects records until one of Lambda's limits is reached."""

    def __init__(self, mapping: dict[str, Any], through: str) -> None:
        self.records: list[Record] = []
        self.through = through
        self.full = False
        self._mapping = mapping
        self._bytes = EVENT_FRAME_BYTES
        self._frame = 0

    def add(self, records: list[Record]) -> None:
        for record in records:
            if not lambda_svc._apply_filter_criteria([record], self._mapping):
                self.through = sequence(record)
                continue
            self._frame = self._frame or _frame_bytes(record)
            size = self._frame + _content_bytes(record)
            if self.records and self._bytes + size > MAX_EVENT_BYTES:
                self.full = True
                return
            self.records.append(record)
            self.through = sequence(record)
            self._bytes += size
            if len(self.records) >= self._mapping["BatchSize"]:
                self.full = True
                return


def _frame_bytes(record: Record) -> int:
    """Bytes of a record in the event without its data and partition key. Nearly the same for all records of a
    shard: only the digits of the time differ, so a few bytes are added."""
    bare = {**record, "kinesis": {**record["kinesis"], "data": "", "partitionKey": ""}}
    return len(json.dumps(bare, separators=(",", ":"))) - len('""') + len(",") + 8


def _content_bytes(record: Record) -> int:
    """The data is base64, which JSON does not escape, so the size needs no serialization."""
    return len(json.dumps(record["kinesis"]["partitionKey"])) + len(record["kinesis"]["data"])


Key = tuple[str, str]


class Mappings(Protocol):
    """What a worker needs from the mappings: the position in a shard, and the function to invoke."""

    context: Context
    generation: int

    def wake(self) -> None: ...
    def wait(self, generation: int, seconds: float) -> None: ...
    def position(self, key: Key) -> str: ...
    def commit(self, key: Key, position: str) -> None: ...
    def shard(self, mapping: dict[str, Any], shard_id: str) -> dict[str, Any] | None: ...
    def function(self, mapping: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]: ...
    def oldest_allowed(self, mapping: dict[str, Any]) -> float: ...
    def acting(self, mapping: dict[str, Any]) -> AbstractContextManager[None]: ...
    def worker_ended(self, worker: ShardWorker) -> None: ...


class ShardWorker(threading.Thread):
    def __init__(self, mappings: Mappings, mapping: dict[str, Any], shard_id: str) -> None:
        super().__init__(daemon=True, name=f"kinesis-{mapping['UUID'][:8]}-{shard_id[-4:]}")
        self._mappings = mappings
        self._mapping = mapping
        self._shard_id = shard_id
        self._stop_requested = threading.Event()
        self.key = (mapping["UUID"], shard_id)

    def stop(self) -> None:
        """End after the current invocation. What it does not finish is read again later."""
        self._stop_requested.set()
        self._mappings.wake()

    def run(self) -> None:
        arn = self._mapping["FunctionArn"].split(":")
        with request_scope(arn[4], arn[3]):
            try:
                while (work := self._next_work()) is not None:
                    self._finish(work)
            except Exception:
                # The next check of all mappings starts a new worker at the last position.
                logger.exception("reading %s failed", self._shard_id)
                self._stop_requested.wait(1)
        self._mappings.worker_ended(self)

    # ---- reading ------------------------------------------------------------------------------------------

    @property
    def _position(self) -> str:
        return self._mappings.position(self.key)

    def _next_work(self) -> Work | None:
        """The next batch when it is full or its window is over. None if there is nothing left to do."""
        batch = Batch(self._mapping, self._position)
        window_ends = None
        while not self._stop_requested.is_set():
            generation = self._mappings.generation
            shard = self._mappings.shard(self._mapping, self._shard_id)
            if shard is None:
                return None
            if not self._may_read():
                self._mappings.wait(generation, IDLE_SECONDS)
                continue
            batch.add([self._record(raw) for raw in _unread(shard, batch.through, self._mapping["BatchSize"])])
            if not batch.full and _unread(shard, batch.through, 1):  # after filtering there is room for more
                continue
            complete = streams.is_closed(shard) and not _unread(shard, batch.through, 1)
            if not batch.records:
                if batch.through > self._position:
                    self._mappings.commit(self.key, batch.through)
                if complete:
                    return None
                self._mappings.wait(generation, IDLE_SECONDS)
                continue
            now = time.monotonic()
            if window_ends is None:
                window_ends = now + self._mapping["MaximumBatchingWindowInSeconds"]
            if batch.full or complete or now >= window_ends:
                return Work(batch.records, batch.through)
            self._mappings.wait(generation, min(window_ends - now, IDLE_SECONDS))
        return None

    def _may_read(self) -> bool:
        """Whether the function's role may read the stream. If not, the records stay in the stream."""
        try:
            with self._mappings.acting(self._mapping):
                for action in ("kinesis:GetShardIterator", "kinesis:GetRecords"):
                    permissions.require(action, self._mapping["EventSourceArn"])
        except (permissions.Denied, permissions.NotAssumable) as problem:
            self._report(f"PROBLEM: {problem}")
            return False
        return True

    def _record(self, raw: dict[str, Any]) -> Record:
        role = self._mappings.function(self._mapping)[1].get("Role", "")
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": raw["PartitionKey"],
                "sequenceNumber": raw["SequenceNumber"],
                "data": kinesis._ensure_base64(raw["Data"]),
                "approximateArrivalTimestamp": raw["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self._shard_id}:{raw['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": self._mapping["EventSourceArn"].split(":")[3],
            "eventSourceARN": self._mapping["EventSourceArn"],
        }

    # ---- invoking -----------------------------------------------------------------------------------------

    def _finish(self, work: Work) -> None:
        """Process a batch to its end. The rest of a batch stays in order, so the position only moves forward."""
        left = [work]
        failures_in_a_row = 0
        while left and not self._stop_requested.is_set():
            current = self._without_old_records(left.pop(0))
            if current is None:
                continue
            outcome = self._invoke(current)
            if outcome.invoked:
                current = replace(current, invocations=current.invocations + 1)
            if self._stop_requested.is_set() and outcome.done < len(current.records):
                # The emulator ended or the mapping was disabled: no result, so the batch is read again.
                if outcome.done:
                    self._mappings.commit(self.key, sequence(current.records[outcome.done - 1]))
                return
            rest = self._rest(current, outcome)
            failures_in_a_row = 0 if not rest or outcome.done else failures_in_a_row + 1
            if len(rest) == 1 and not outcome.done:
                self._pause(failures_in_a_row)
            left = rest + left

    def _rest(self, work: Work, outcome: Outcome) -> list[Work]:
        """What to invoke again, after committing what is done and discarding what is given up."""
        if outcome.done == len(work.records):
            self._mappings.commit(self.key, work.through)
            self._report(OK)
            return []
        if not outcome.invoked:  # throttled: repeated until the records are too old; does not count as a retry
            return [work]
        self._report(FUNCTION_FAILED)
        if outcome.done:
            self._mappings.commit(self.key, sequence(work.records[outcome.done - 1]))
        rest = work.after(outcome.done)
        if self._mapping["BisectBatchOnFunctionError"]:
            if outcome.done:  # the batch is split at the sequence number that the function named
                return [rest]
            if len(rest.records) > 1:
                return rest.halves()
        limit = self._mapping["MaximumRetryAttempts"]
        if 0 <= limit <= rest.retries:
            self._discard(rest, on_failure.RETRIES_EXHAUSTED, outcome.request_id)
            return []
        return [replace(rest, retries=rest.retries + 1)]

    def _invoke(self, work: Work) -> Outcome:
        function, config = self._mappings.function(self._mapping)
        if function is None:
            self._report("PROBLEM: Function not found")
            return Outcome(done=0, invoked=False)
        event = {"Records": work.records}
        result = lambda_svc._execute_function(lambda_svc._execution_record_for_config(function, config), event)
        request_log.add(
            request_log.LAMBDA,
            "lambda:InvokeFunction",
            config["FunctionArn"],
            operation="Invoke",
            status=429 if result.get("throttle") else 200,
            bytes_in=sum(len(record["kinesis"]["data"]) for record in work.records),
        )
        if result.get("throttle"):
            self._report("PROBLEM: Function call throttled")
            return Outcome(done=0, invoked=False)
        request_id = str(uuid.uuid4())
        if result.get("error"):  # an exception, a timeout or a dead worker
            logger.warning(
                "%s failed on %s records of %s: %s",
                config["FunctionName"],
                len(work.records),
                self._shard_id,
                result.get("body"),
            )
            return Outcome(done=0, request_id=request_id)
        done = len(work.records)
        if "ReportBatchItemFailures" in self._mapping["FunctionResponseTypes"]:
            done = successes(result.get("body"), work.records)
        logger.info("%s took %s of %s records of %s", config["FunctionName"], done, len(work.records), self._shard_id)
        return Outcome(done=done, request_id=request_id)

    def _pause(self, failures_in_a_row: int) -> None:
        seconds = FIRST_BACKOFF_SECONDS * 2 ** min(max(failures_in_a_row - 1, 0), 20)
        self._stop_requested.wait(min(seconds, LONGEST_BACKOFF_SECONDS))

    # ---- giving up ----------------------------------------------------------------------------------------

    def _without_old_records(self, work: Work) -> Work | None:
        oldest_allowed = self._mappings.oldest_allowed(self._mapping)
        arrivals = [record["kinesis"]["approximateArrivalTimestamp"] for record in work.records]
        old = bisect.bisect_left(arrivals, oldest_allowed)
        if old == 0:
            return work
        whole = old == len(work.records)
        through = work.through if whole else sequence(work.records[old - 1])
        if not self._discard(
            replace(work, records=work.records[:old], through=through), on_failure.TOO_OLD, str(uuid.uuid4())
        ):
            return None
        return None if whole else work.after(old)

    def _discard(self, work: Work, condition: str, request_id: str) -> bool:
        """Report the records to the on-failure destination, repeating until it succeeds, and move past them. False if
        the worker was stopped first: then the records are still unprocessed."""
        tries = 0
        while destination := self._mapping["DestinationConfig"].get("OnFailure", {}).get("Destination"):
            try:
                self._send(destination, work, condition, request_id)
                break
            except Exception as problem:
                tries += 1
                self._report("PROBLEM: On-failure destination could not be written")
                say = self._mappings.context.warn if tries == 1 else logger.warning
                say(
                    f"the on-failure destination {destination} of event source mapping {self.key[0]} did not "
                    f"accept {len(work.records)} records. They are kept and sent again: {problem}"
                )
                self._pause(tries)
            if self._stop_requested.is_set():
                return False
        else:
            logger.warning("%s records of %s are dropped: %s", len(work.records), self._shard_id, condition)
        self._mappings.commit(self.key, work.through)
        return True

    def _send(self, destination: str, work: Work, condition: str, request_id: str) -> None:
        _, config = self._mappings.function(self._mapping)
        on_failure.send(
            self._mappings.context,
            destination,
            on_failure.Discard(
                mapping_id=self.key[0],
                stream_arn=self._mapping["EventSourceArn"],
                shard_id=self._shard_id,
                function={**config, "FunctionArn": self._mapping["FunctionArn"]},
                condition=condition,
                invocations=work.invocations,
                event={"Records": work.records},
                request_id=request_id,
            ),
        )
        logger.warning("%s records of %s went to %s: %s", len(work.records), self._shard_id, destination, condition)

    def _report(self, result: str) -> None:
        self._mapping["LastProcessingResult"] = result


def _unread(shard: dict[str, Any], position: str, count: int) -> list[dict[str, Any]]:
    """Up to `count` records after a sequence number, which, unlike an index, does not shift when records expire."""
    records = shard["records"]
    start = bisect.bisect_right(records, position, key=lambda record: record["SequenceNumber"])
    return records[start : start + count]


def successes(response: Any, records: list[Record]) -> int:
    """The number of records, from the first, that a partial batch response reports as done.

    An empty response, or an empty or missing list, means success. An identifier that is empty, null or not in
    this batch, or a response of another form, fails the whole batch. Otherwise all records before the lowest
    sequence number in the response are done.
    """
    if response is None or response == {}:
        return len(records)
    listed = response.get("batchItemFailures") if isinstance(response, dict) else response
    if listed is None or listed == []:
        return len(records) if isinstance(response, dict) else 0
    if not isinstance(listed, list):
        return 0
    indexes = {sequence(record): index for index, record in enumerate(records)}
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in listed]
    known = [indexes[name] for name in named if isinstance(name, str) and name in indexes]
    return min(known) if len(known) == len(named) else 0
