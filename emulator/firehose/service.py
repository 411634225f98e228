"""Replaces MiniStack's Firehose, which writes an object for each record at once, and passes on what a Lambda failed on.

Here records are buffered, transformed and delivered as AWS documents it. Records that are not delivered are lost when
the emulator ends: it says how many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import firehose

from ..core.context import Context
from . import (
    control,
    diagnostics,
    encryption,
    faults,
    kinesis_source,
    metrics,
    pipeline,
    puts,
    shapes,
    streams,
    transformation,
)
from .errors import Refused
from .pipeline import Pipeline
from .records import Record
from .streams import DeliveryStream

PATCHES = [
    ("ministack.services.firehose", "_HANDLERS"),
    ("ministack.services.firehose", "ingest_from_kinesis_source"),
    *diagnostics.PATCHES,
    *encryption.PATCHES,
    *kinesis_source.PATCHES,
    *metrics.PATCHES,
    *pipeline.PATCHES,
    *streams.PATCHES,
    *transformation.PATCHES,
]

Data = dict[str, Any]


def install(context: Context) -> None:
    service = Service(context)
    firehose._HANDLERS = {name: _answering(name, call) for name, call in service.operations().items()}
    firehose.ingest_from_kinesis_source = service.stream_was_written
    context.on_shutdown("firehose", service.stop)


def _answering(operation: str, call: Callable[[Data], Data]) -> Callable[[Data], tuple]:
    def answered(data: Data) -> tuple:
        try:
            shapes.check(operation, data)
            return json_response(call(data))
        except Refused as refusal:
            return error_response_json(refusal.code, str(refusal), refusal.status)

    return answered


class Service:
    """All delivery streams with their pipelines."""

    def __init__(self, context: Context) -> None:
        self._context, self._faults = context, faults.asked_for()
        # Creating and deleting a stream are not atomic.
        self._lock = threading.RLock()
        self._pipelines: dict[str, Pipeline] = {}
        self._sources: dict[str, kinesis_source.KinesisSource] = {}

    def operations(self) -> dict[str, Callable[[Data], Data]]:
        put = puts.Puts(self._send, puts.Throughput())
        return {
            "CreateDeliveryStream": self._locked(lambda data: control.create(data, self._start)),
            "DeleteDeliveryStream": self._locked(lambda data: control.delete(data, self._end)),
            "UpdateDestination": self._locked(lambda data: control.update_destination(data, self._wake)),
            "DescribeDeliveryStream": control.describe,
            "ListDeliveryStreams": control.list_all,
            "PutRecord": put.put_record,
            "PutRecordBatch": put.put_record_batch,
            "TagDeliveryStream": self._locked(control.tag),
            "UntagDeliveryStream": self._locked(control.untag),
            "ListTagsForDeliveryStream": control.list_tags,
            "StartDeliveryStreamEncryption": self._locked(self._start_encryption),
            "StopDeliveryStreamEncryption": self._locked(self._stop_encryption),
        }

    def stream_was_written(self, stream_arn: str, _records: list) -> None:
        """MiniStack calls this after each put into a Kinesis stream."""
        for source in list(self._sources.values()):
            if source.reads(stream_arn):
                source.wake()

    def stop(self) -> None:
        """Nothing is delivered now: the Lambdas are about to be ended."""
        with self._lock:
            for arn in list(self._pipelines):
                self._stop(arn, "the emulator ended")

    def _locked(self, call: Callable[[Data], Data]) -> Callable[[Data], Data]:
        def one_at_a_time(data: Data) -> Data:
            with self._lock:
                return call(data)

        return one_at_a_time

    def _send(self, stream: DeliveryStream, records: list[Record]) -> None:
        found = self._pipelines.get(stream.arn)
        if found is None:
            raise Refused(puts.UNAVAILABLE, "The service is unavailable: the local stack is about to end.", 503)
        found.put(records)

    def _start(self, stream: DeliveryStream) -> None:
        made = self._pipelines[stream.arn] = Pipeline(self._context, stream, self._faults)
        if stream.source:
            source = self._sources[stream.arn] = kinesis_source.KinesisSource(made, stream.source)
            source.start()

    def _wake(self, stream: DeliveryStream) -> None:
        self._pipelines[stream.arn].wake()

    def _end(self, stream: DeliveryStream) -> None:
        self._stop(stream.arn, "the stream was deleted")

    def _stop(self, arn: str, why: str) -> None:
        """AWS does not deliver what a deleted stream holds either."""
        self._sources.pop(arn, None)
        unfinished = self._pipelines.pop(arn).stop()
        if unfinished:
            name = arn.rpartition("/")[2]
            self._context.warn(f"delivery stream {name}: {unfinished} records were not delivered when {why}: lost")

    def _start_encryption(self, data: Data) -> Data:
        stream = streams.find(data["DeliveryStreamName"])
        encryption.start(stream, data.get("DeliveryStreamEncryptionConfigurationInput"))
        return {}

    def _stop_encryption(self, data: Data) -> Data:
        encryption.stop(streams.find(data["DeliveryStreamName"]))
        return {}
