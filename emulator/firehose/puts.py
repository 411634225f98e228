"""PutRecord and PutRecordBatch: limits, throttling and the answer.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from . import encryption, metrics, streams
from .errors import Refused, invalid
from .records import Record, new_record
from .streams import DeliveryStream
from .throughput import SLOW_DOWN, Throughput

# The limits of a record and of the number of records are in the service model (shapes.py).
MAX_BATCH_BYTES = 4 * 1024 * 1024
UNAVAILABLE = "ServiceUnavailableException"

Send = Callable[[DeliveryStream, list[Record]], None]


class Puts:
    def __init__(self, send: Send, throughput: Throughput) -> None:
        self._send, self._throughput = send, throughput

    def put_record(self, request: dict[str, Any]) -> dict[str, Any]:
        stream = self._stream(request)
        data = base64.b64decode(request["Record"]["Data"])
        if not self._admits(stream, data):
            raise Refused(UNAVAILABLE, SLOW_DOWN, 503)
        record = new_record(data, time.time())
        self._take(stream, [record], "PutRecord")
        return {"RecordId": record.id, "Encrypted": stream.is_encrypted}

    def put_record_batch(self, request: dict[str, Any]) -> dict[str, Any]:
        payloads = [base64.b64decode(entry["Data"]) for entry in request["Records"]]
        if sum(map(len, payloads)) > MAX_BATCH_BYTES:
            raise invalid(f"The total size of the records exceeds the maximum allowed size of {MAX_BATCH_BYTES} bytes.")
        stream, now = self._stream(request), time.time()
        records = [new_record(data, now) if self._admits(stream, data) else None for data in payloads]
        taken = [record for record in records if record is not None]
        self._take(stream, taken, "PutRecordBatch")
        refused = {"ErrorCode": UNAVAILABLE, "ErrorMessage": SLOW_DOWN}
        return {
            "FailedPutCount": len(records) - len(taken),
            "Encrypted": stream.is_encrypted,
            "RequestResponses": [{"RecordId": record.id} if record else refused for record in records],
        }

    def _stream(self, request: dict[str, Any]) -> DeliveryStream:
        """The stream, if it takes a request now."""
        stream = streams.find(request["DeliveryStreamName"])
        if stream.status != "ACTIVE":
            raise Refused(
                "ResourceNotFoundException", f"Firehose {stream.name} is not active in {stream.account} account."
            )
        if stream.kind != streams.DIRECT_PUT:
            raise invalid(f"This operation is not permitted on {stream.kind} delivery stream type.")
        encryption.require_usable_key(stream)
        if not self._throughput.admits_request(stream.arn):
            raise Refused(UNAVAILABLE, SLOW_DOWN, 503)
        return stream

    def _admits(self, stream: DeliveryStream, data: bytes) -> bool:
        admitted = self._throughput.admits_record(stream.arn, len(data))
        if not admitted:
            metrics.record(stream.name, ThrottledRecords=1)
        return admitted

    def _take(self, stream: DeliveryStream, records: list[Record], operation: str) -> None:
        size = sum(record.size for record in records)
        if records:
            self._send(stream, records)
        metrics.record(
            stream.name,
            IncomingPutRequests=1,
            IncomingRecords=len(records),
            IncomingBytes=size,
            **{f"{operation}_Requests": 1, f"{operation}_Bytes": size},
            **({"PutRecordBatch_Records": len(records)} if operation == "PutRecordBatch" else {}),
        )
