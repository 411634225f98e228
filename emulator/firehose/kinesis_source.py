"""Reads the records of a Kinesis stream for a delivery stream, from the time when the delivery stream was created.

https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html. Firehose takes the records of KPL
apart, which the local stack does not do: it says so and passes them on as they are.
"""

from __future__ import annotations

import base64
import bisect
import threading
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import kinesis

from ..iam import permissions
from . import metrics, roles
from .errors import invalid
from .pipeline import Pipeline
from .records import Record, new_record

PATCHES = [("ministack.services.kinesis", name) for name in ("_ensure_base64", "_streams")]

ACTIONS = ("kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords")
# Firehose calls GetRecords once a second for each shard. A put wakes the reader.
POLL_SECONDS = 1.0
PAGE_RECORDS = 10_000
KPL_MAGIC = b"\xf3\x89\x9a\xc2"

ACCESS_DENIED = (
    "Kinesis.AccessDenied",
    "Access was denied when calling Kinesis. Ensure the access policy on the IAM role used allows access to the "
    "appropriate Kinesis APIs.",
)
NOT_FOUND = (
    "Kinesis.ResourceNotFound",
    "Firehose failed to read from the stream. If the Firehose is attached with Kinesis Stream, the stream may not "
    "exist, or the shard may have been merged or split. If the Firehose is of DirectPut type, the Firehose may not "
    "exist any more.",
)


def check(configuration: dict[str, Any], stream_arn: str) -> None:
    """Raises Refused if the stream does not exist, or the role may not read it."""
    source = configuration["KinesisStreamARN"]
    if find(source) is None:
        raise invalid(f"Stream {source.rpartition('/')[2]} under account {source.split(':')[4]} not found.")
    roles.check(configuration["RoleARN"], stream_arn)
    try:
        with roles.acting(configuration["RoleARN"], stream_arn):
            permissions.require(ACTIONS[0], source)
    except permissions.Denied as problem:
        raise invalid(str(problem)) from None


def find(arn: str) -> dict[str, Any] | None:
    parts = arn.split(":")
    return kinesis._streams.get_scoped(parts[4], parts[3], parts[5].partition("/")[2])


class KinesisSource(threading.Thread):
    def __init__(self, pipeline: Pipeline, source: dict[str, Any]) -> None:
        super().__init__(daemon=True, name=f"firehose-source-{pipeline.stream.name}")
        self._pipeline, self._source = pipeline, source
        self._stream = find(source["KinesisStreamARN"])
        self._positions: dict[str, str] = {}
        self._woken = threading.Event()

    def reads(self, stream_arn: str) -> bool:
        return self._source["KinesisStreamARN"] == stream_arn

    def wake(self) -> None:
        """A record was put into the stream."""
        self._woken.set()

    def run(self) -> None:
        stream = self._pipeline.stream
        with request_scope(stream.account, stream.region):
            while not self._pipeline.stopped.is_set():
                self._woken.clear()
                problem = self._read()
                if problem:
                    self._pipeline.diagnostics.report(stream.destination, *problem)
                self._woken.wait(POLL_SECONDS)

    def _read(self) -> tuple[str, str] | None:
        """Read all shards. Records that cannot be read now are read later."""
        arn = self._source["KinesisStreamARN"]
        stream = find(arn)
        # A new stream of the same name is another one.
        if stream is None or stream is not self._stream:
            return NOT_FOUND
        try:
            with roles.acting(self._source["RoleARN"], self._pipeline.stream.arn):
                for action in ACTIONS:
                    permissions.require(action, arn)
        except (permissions.Denied, permissions.NotAssumable):
            return ACCESS_DENIED
        for shard_id, shard in list(stream["shards"].items()):
            while page := self._page(shard_id, shard):
                self._take(shard_id, page)
        return None

    def _page(self, shard_id: str, shard: dict[str, Any]) -> list[dict[str, Any]]:
        records, position = shard["records"], self._positions.get(shard_id)
        if position is None:
            begin = bisect.bisect_left(
                records, self._pipeline.stream.created, key=lambda record: record["ApproximateArrivalTimestamp"]
            )
        else:
            begin = bisect.bisect_right(records, position, key=lambda record: record["SequenceNumber"])
        return records[begin : begin + PAGE_RECORDS]

    def _take(self, shard_id: str, page: list[dict[str, Any]]) -> None:
        records = [self._record(shard_id, raw) for raw in page]
        self._pipeline.put(records)
        self._positions[shard_id] = page[-1]["SequenceNumber"]
        metrics.record(
            self._pipeline.stream.name,
            DataReadFromKinesisStream_Records=len(records),
            DataReadFromKinesisStream_Bytes=sum(record.size for record in records),
        )

    def _record(self, shard_id: str, raw: dict[str, Any]) -> Record:
        data = base64.b64decode(kinesis._ensure_base64(raw["Data"]))
        if data.startswith(KPL_MAGIC):
            self._pipeline.diagnostics.warn_once(
                "KPL",
                f"delivery stream {self._pipeline.stream.name}: a record is an aggregate of the Kinesis Producer "
                "Library. The local stack passes it on as it is, and AWS takes it apart.",
            )
        arrival = raw["ApproximateArrivalTimestamp"]
        metadata = {
            "sequenceNumber": raw["SequenceNumber"],
            "subsequenceNumber": 0,
            "partitionKey": raw["PartitionKey"],
            "shardId": shard_id,
            "approximateArrivalTimestamp": int(arrival * 1000),
        }
        return new_record(data, arrival, metadata)
