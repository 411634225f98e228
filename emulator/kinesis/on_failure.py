"""Reports the records that a Kinesis event source mapping discards, to S3, SQS or SNS.

The document has the format that AWS documents for on-failure destinations. For S3 it also contains the whole event.
It is written through the public API with the credentials of the function's execution role. With AUTH=true, a missing
permission therefore fails as on AWS.
"""

from __future__ import annotations

import datetime
import json
import uuid
from dataclasses import dataclass
from typing import Any

from ..core.context import Context
from ..functions import role_client

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


@dataclass(frozen=True)
class Discard:
    """A batch that was given up. `event` is what the function received, or would have received."""

    mapping_id: str
    stream_arn: str
    shard_id: str
    function: dict[str, Any]
    condition: str
    invocations: int
    event: dict[str, Any]
    request_id: str

    @property
    def batch(self) -> list[dict[str, Any]]:
        return [record["kinesis"] for record in self.event["Records"]]


def document(discard: Discard, now: datetime.datetime) -> dict[str, Any]:
    first, last = discard.batch[0], discard.batch[-1]
    body: dict[str, Any] = {
        "requestContext": {
            "requestId": discard.request_id,
            "functionArn": discard.function["FunctionArn"],
            "condition": discard.condition,
            "approximateInvokeCount": discard.invocations,
        },
        "version": "1.0",
        "timestamp": _iso(now),
        "KinesisBatchInfo": {
            "shardId": discard.shard_id,
            "startSequenceNumber": first["sequenceNumber"],
            "endSequenceNumber": last["sequenceNumber"],
            "approximateArrivalOfFirstRecord": _iso(_time(first["approximateArrivalTimestamp"])),
            "approximateArrivalOfLastRecord": _iso(_time(last["approximateArrivalTimestamp"])),
            "batchSize": len(discard.batch),
            "streamArn": discard.stream_arn,
        },
    }
    if discard.invocations:
        # A record that was too old before its first invocation has no response.
        body["responseContext"] = {
            "statusCode": 200,
            "executedVersion": discard.function.get("Version", "$LATEST"),
            "functionError": "Unhandled",
        }
    return body


def object_key(discard: Discard, now: datetime.datetime) -> str:
    day, moment = now.strftime("%Y/%m/%d"), now.strftime("%Y-%m-%dT%H.%M.%S")
    return f"aws/lambda/{discard.mapping_id}/{discard.shard_id}/{day}/{moment}-{uuid.uuid4()}"


def send(context: Context, destination: str, discard: Discard) -> None:
    """Deliver, or raise an error. The caller must not continue before this succeeds."""
    now = datetime.datetime.now(datetime.timezone.utc)
    body = document(discard, now)
    service = destination.split(":")[2]
    client: Any = role_client.client(context, service, discard.function)
    if service == "s3":
        body["payload"] = json.dumps(discard.event)
        client.put_object(
            Bucket=destination.split(":")[5],
            Key=object_key(discard, now),
            Body=json.dumps(body).encode(),
            ContentType="application/json",
        )
    elif service == "sqs":
        client.send_message(QueueUrl=role_client.queue_url(context, destination), MessageBody=json.dumps(body))
    else:
        client.publish(TopicArn=destination, Message=json.dumps(body))


def _time(epoch_seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(epoch_seconds, datetime.timezone.utc)


def _iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
