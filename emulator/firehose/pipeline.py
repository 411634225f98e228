"""The way of the records through one delivery stream: buffer, Lambda, buffer, S3.

One thread decides what is due. Invocations and writes are done by pools, so that a slow one delays no other. Records
may change places on the way, as on AWS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import kinesis

from ..core.context import Context
from . import metrics, objects, processors, transformation
from .buffers import Buffer, Limit
from .destinations import Destination
from .diagnostics import Diagnostics
from .faults import Faults
from .records import Record
from .roles import S3Clients
from .streams import DeliveryStream

PATCHES = [("ministack.services.kinesis", "_streams")]

MEBIBYTE = 1024 * 1024
INVOCATIONS, WRITES = 8, 4
# How often the age of the oldest record is recorded while records wait.
FRESHNESS_SECONDS = 60.0

PRIMARY, FAILED, BACKUP = "primary", "failed", "backup"
METRICS = {PRIMARY: "DeliveryToS3", FAILED: "DeliveryToS3", BACKUP: "BackupToS3"}


@dataclass
class _State:
    """What is on its way. Guarded by the pipeline's lock."""

    incoming: Buffer = field(default_factory=Buffer)
    outgoing: dict[str, Buffer] = field(default_factory=lambda: {name: Buffer() for name in METRICS})
    # The arrival of the oldest record of each batch that is being transformed or written.
    busy: dict[int, float] = field(default_factory=dict)
    # Records that are not delivered, dropped or lost. One that is also backed up counts twice.
    unfinished: int = 0


class Pipeline:
    def __init__(self, context: Context, stream: DeliveryStream, faults: Faults) -> None:
        self.stream = stream
        self.stopped = threading.Event()
        self.diagnostics = Diagnostics(context, stream)
        self._faults, self._state = faults, _State()
        self._changed = threading.Condition()
        self._writer = objects.Writer(stream, S3Clients(context, stream.arn), self.diagnostics, self.stopped)
        self._transformation = transformation.Transformation(stream, self.stopped, faults.invocation_twice)
        self._invocations = ThreadPoolExecutor(INVOCATIONS, f"firehose-lambda-{stream.name}")
        self._writes = ThreadPoolExecutor(WRITES, f"firehose-s3-{stream.name}")
        self._next_freshness = time.monotonic() + FRESHNESS_SECONDS
        threading.Thread(target=self._run, daemon=True, name=f"firehose-{stream.name}").start()

    def put(self, records: list[Record]) -> None:
        """Take source records. They are delivered at least once."""
        with self._changed:
            if processors.lambda_processor(self.stream.destination):
                limit, now = self._incoming_limit(), time.monotonic()
                self._state.unfinished += len(records)
                for record in records:
                    self._state.incoming.add(record, limit, now)
            else:
                self._send(PRIMARY, records)
                self._back_up(records)
            self._changed.notify()

    def wake(self) -> None:
        """The destination was changed: other limits hold."""
        with self._changed:
            self._changed.notify()

    def stop(self) -> int:
        """Deliver nothing more. Returns how many records are not delivered."""
        self.stopped.set()
        self.wake()
        for pool in (self._invocations, self._writes):
            pool.shutdown(wait=False, cancel_futures=True)
        with self._changed:
            return self._state.unfinished

    # ---- what is due

    def _run(self) -> None:
        while not self.stopped.is_set():
            with self._changed:
                jobs = self._due()
                if not jobs and not self.stopped.is_set():
                    self._changed.wait(self._seconds_to_wait())
            for submit, job in jobs:
                try:
                    submit(self._guarded, job)
                except RuntimeError:  # the pool was shut down: the stream was stopped
                    return
            self._measure_freshness()

    def _guarded(self, job: Callable[[], None]) -> None:
        with request_scope(self.stream.account, self.stream.region):
            try:
                job()
            except Exception:
                objects.logger.exception("delivery stream %s failed", self.stream.name)
                self.diagnostics.warn_once("internal", f"delivery stream {self.stream.name} failed: see emulator.log")

    def _due(self) -> list[tuple[Callable[..., Any], Callable[[], None]]]:
        now, state = time.monotonic(), self._state
        jobs: list[tuple[Callable[..., Any], Callable[[], None]]] = []
        for batch in state.incoming.take_due(self._incoming_limit(), now):
            jobs.append((self._invocations.submit, self._job(self._transform, batch)))
        for output, buffer in state.outgoing.items():
            for batch in buffer.take_due(self._outgoing_limit(output), now):
                jobs.append((self._writes.submit, self._job(self._deliver, batch, output)))
        return jobs

    def _job(self, work: Callable[..., None], batch: list[Record], *others: str) -> Callable[[], None]:
        self._state.busy[id(batch)] = min(record.arrival for record in batch)

        def job() -> None:
            try:
                work(batch, *others)
            finally:
                with self._changed:
                    del self._state.busy[id(batch)]

        return job

    def _seconds_to_wait(self) -> float:
        times = [self._next_freshness, self._state.incoming.due_at(self._incoming_limit())]
        times += [buffer.due_at(self._outgoing_limit(output)) for output, buffer in self._state.outgoing.items()]
        return max(0.0, min(moment for moment in times if moment is not None) - time.monotonic())

    def _incoming_limit(self) -> Limit:
        processor = processors.lambda_processor(self.stream.destination)
        if processor is None:  # it was removed: what waits for it goes on at once
            return Limit(0, 0)
        return Limit(processor.buffer_bytes, processor.buffer_seconds, transformation.MAX_PAYLOAD_BYTES)

    def _outgoing_limit(self, output: str) -> Limit:
        hints = self._destination(output)["BufferingHints"]
        return Limit(hints["SizeInMBs"] * MEBIBYTE, hints["IntervalInSeconds"])

    def _destination(self, output: str) -> Destination:
        destination = self.stream.destination
        return destination.get("S3BackupDescription", destination) if output == BACKUP else destination

    # ---- the work

    def _transform(self, batch: list[Record]) -> None:
        processor = processors.lambda_processor(self.stream.destination)
        if processor is None:
            self._pass_on(batch, batch, [])
            return
        attempts = self._transformation.run(processor, batch)
        result = attempts.result
        if result is None:
            return
        for failure in {failure for _, failure in result.failed}:
            self.diagnostics.report(self.stream.destination, failure.code, failure.message, processor.function_arn)
        failed = [
            replace(record, data=objects.failed_line(record, failure, attempts.made, processor.function_arn))
            for record, failure in result.failed
        ]
        metrics.record(
            self.stream.name,
            SucceedProcessing_Records=len(result.ok),
            SucceedProcessing_Bytes=sum(record.size for record in result.ok),
        )
        self._pass_on(batch, result.ok, failed)

    def _pass_on(self, batch: list[Record], ok: list[Record], failed: list[Record]) -> None:
        with self._changed:
            self._send(PRIMARY, ok)
            self._send(FAILED, failed)
            self._back_up(batch)
            self._state.unfinished -= len(batch)
            self._changed.notify()

    def _deliver(self, batch: list[Record], output: str) -> None:
        destination = self._destination(output)
        for _ in range(2 if self._faults.object_twice else 1):
            content = objects.make(self.stream, destination, batch, METRICS[output], failed=output == FAILED)
            self._writer.write(content, self._retention_seconds())
        if not self.stopped.is_set():
            with self._changed:
                self._state.unfinished -= len(batch)

    def _send(self, output: str, records: list[Record]) -> None:
        limit, now = self._outgoing_limit(output), time.monotonic()
        self._state.unfinished += len(records)
        for record in records:
            self._state.outgoing[output].add(record, limit, now)

    def _back_up(self, records: list[Record]) -> None:
        if self.stream.destination["S3BackupMode"] == "Enabled":
            self._send(BACKUP, records)

    def _retention_seconds(self) -> float:
        """Firehose keeps records for 24 hours, or as long as the source stream does."""
        if self.stream.source is None:
            return objects.RETENTION_SECONDS
        source = kinesis._streams.get(self.stream.source["KinesisStreamARN"].rpartition("/")[2])
        return source["RetentionPeriodHours"] * 3600 if source else objects.RETENTION_SECONDS

    def _measure_freshness(self) -> None:
        now = time.monotonic()
        if now < self._next_freshness:
            return
        self._next_freshness = now + FRESHNESS_SECONDS
        with self._changed:
            buffers = (self._state.incoming, self._state.outgoing[PRIMARY], self._state.outgoing[FAILED])
            arrivals = [record.arrival for buffer in buffers for record in buffer.all()]
            arrivals += self._state.busy.values()
        if arrivals:
            with request_scope(self.stream.account, self.stream.region):
                metrics.record(self.stream.name, DeliveryToS3_DataFreshness=time.time() - min(arrivals))
