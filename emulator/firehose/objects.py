"""The objects that Firehose writes to S3: their bodies, and the attempts to write one until it is stored or too old.

https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html and
https://docs.aws.amazon.com/firehose/latest/dev/retry.html
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..iam import permissions
from . import metrics, prefixes, processors, roles
from .answers import Failure
from .destinations import Destination
from .diagnostics import Diagnostics
from .records import Record
from .streams import DeliveryStream

CONTENT_TYPE = "application/octet-stream"
RETENTION_SECONDS = 24 * 3600
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0

MESSAGES = {
    "S3.AccessDenied": "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to "
    "assume the role, and the access policy allows access to the S3 bucket.",
    "S3.NoSuchBucket": "The specified S3 bucket does not exist. Use a different bucket that does exist.",
}

logger = logging.getLogger("emulator.firehose")


@dataclass(frozen=True)
class S3Object:
    """What to write, and the metrics' prefix: DeliveryToS3 or BackupToS3."""

    destination: Destination
    key: str
    body: bytes
    oldest: float
    records: int
    source_bytes: int
    metric: str


def make(
    stream: DeliveryStream, destination: Destination, records: list[Record], metric: str, failed: bool
) -> S3Object:
    oldest = min(record.arrival for record in records)
    # A line of a failed record ends with a new line.
    delimiter = b"\n" if processors.has_delimiter(destination) and not failed else b""
    error_type = prefixes.PROCESSING_FAILED if failed else ""
    return S3Object(
        destination=destination,
        key=prefixes.object_name(destination, stream.name, stream.version, oldest, error_type),
        body=delimiter.join(record.data for record in records),
        oldest=oldest,
        records=len(records),
        source_bytes=sum(record.size for record in records),
        metric=metric,
    )


def failed_line(record: Record, failure: Failure, attempts: int, function_arn: str) -> bytes:
    """A failed record as AWS writes it: the documentation has the name lambdaArn, and AWS's objects have lambdaARN."""
    line = {
        "rawData": base64.b64encode(record.data).decode(),
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptsMade": attempts,
        "arrivalTimestamp": int(record.arrival * 1000),
        "attemptEndingTimestamp": int(time.time() * 1000),
        "lambdaARN": function_arn,
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


class Writer:
    """Writes objects with the role of their destination."""

    def __init__(
        self,
        stream: DeliveryStream,
        clients: roles.S3Clients,
        diagnostics: Diagnostics,
        stopped: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream, self._clients, self._diagnostics = stream, clients, diagnostics
        self._stopped, self._clock = stopped, clock

    def write(self, content: S3Object, retention_seconds: float) -> bool:
        """Write until S3 has taken it. False: the stream was stopped, or the records were too old and are lost."""
        wait = FIRST_BACKOFF_SECONDS
        while not self._stopped.is_set():
            problem = self._attempt(content)
            self._measure(content, success=problem is None)
            if problem is None:
                return True
            if self._clock() > content.oldest + retention_seconds:
                self._lose(content, problem)
                return False
            self._stopped.wait(wait)
            wait = min(wait * 2, LONGEST_BACKOFF_SECONDS)
        return False

    def _attempt(self, content: S3Object) -> str | None:
        """The error's code, or None."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._put(content)
        except (permissions.Denied, permissions.NotAssumable) as problem:
            code, detail = "S3.AccessDenied", str(problem)
        except ClientError as problem:
            code, detail = f"S3.{problem.response['Error']['Code']}", str(problem)
        except BotoCoreError as problem:
            code, detail = "S3.InternalError", str(problem)
        else:
            return None
        logger.warning("delivery stream %s: %s is not delivered: %s", self._stream.name, content.key, detail)
        self._diagnostics.report(content.destination, code, MESSAGES.get(code, detail))
        return code

    def _put(self, content: S3Object) -> None:
        destination = content.destination
        extra: dict[str, Any] = {}
        body = content.body
        if destination["CompressionFormat"] == "GZIP":
            body, extra = gzip.compress(body), {"ContentEncoding": "gzip"}
        key = (destination["EncryptionConfiguration"].get("KMSEncryptionConfig") or {}).get("AWSKMSKeyARN")
        if key:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
            with roles.acting(destination["RoleARN"], self._stream.arn):
                via = {"kms:viaservice": f"s3.{self._stream.region}.amazonaws.com"}
                permissions.require("kms:GenerateDataKey", key, keys=via)
        client: Any = self._clients.get(destination["RoleARN"])
        bucket = destination["BucketARN"].rsplit(":", 1)[-1]
        client.put_object(Bucket=bucket, Key=content.key, Body=body, ContentType=CONTENT_TYPE, **extra)

    def _measure(self, content: S3Object, success: bool) -> None:
        values = {
            f"{content.metric}_Success": 1.0 if success else 0.0,
            f"{content.metric}_DataFreshness": self._clock() - content.oldest,
        }
        if success:
            values |= {
                f"{content.metric}_Records": float(content.records),
                f"{content.metric}_Bytes": float(content.source_bytes),
            }
        metrics.record(self._stream.name, **values)

    def _lose(self, content: S3Object, code: str) -> None:
        self._diagnostics.warn_once(
            f"lost {content.key}",
            f"delivery stream {self._stream.name}: {content.records} records are lost, because S3 did not take them "
            f"({code}) in the time that Firehose keeps records",
        )
