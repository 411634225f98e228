"""Where Lambda sends what became of an asynchronous invocation: a dead-letter queue, and destinations.

The documents have the format of AWS's developer guide ("Capturing records of Lambda asynchronous invocations").
"""

from __future__ import annotations

import datetime
import json
import uuid
from dataclasses import dataclass
from typing import Any

from ..core.context import Context
from . import role_client

SUCCESS = "Success"
RETRIES_EXHAUSTED = "RetriesExhausted"
TOO_OLD = "EventAgeExceeded"

# The action that the function's role needs for each kind of destination.
ACTIONS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "s3": "s3:PutObject",
}
# As AWS names the operations when it refuses a destination.
OPERATIONS = {"sqs": "SendMessage on SQS", "sns": "Publish on SNS", "lambda": "InvokeFunction", "s3": "PutObject on S3"}

# A dead-letter queue gets the first kilobyte of the error.
ERROR_MESSAGE_BYTES = 1024


@dataclass(frozen=True)
class Outcome:
    """How an asynchronous invocation ended. `response` is what the function answered last, if it ran."""

    condition: str
    function: dict[str, Any]
    function_arn: str
    request_id: str
    event: Any
    invocations: int
    response: Any = None
    function_error: str = ""
    # Lambda's own refusal, where the last attempt did not reach the function.
    status: int = 200
    message: str = ""

    @property
    def failed(self) -> bool:
        return self.condition != SUCCESS


def service_of(arn: str) -> str:
    return arn.split(":")[2] if arn.startswith("arn:") else ""


def document(outcome: Outcome, now: datetime.datetime) -> dict[str, Any]:
    """The invocation record, version 1.0."""
    response = {"statusCode": outcome.status, "executedVersion": outcome.function.get("Version", "$LATEST")}
    if outcome.function_error:
        response["functionError"] = outcome.function_error
    return {
        "version": "1.0",
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": outcome.function_arn,
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.invocations,
        },
        "requestPayload": outcome.event,
        "responseContext": response,
        "responsePayload": outcome.response,
    }


def send(context: Context, destination: str, outcome: Outcome) -> None:
    """Deliver the record to a destination, or raise an error."""
    now = datetime.datetime.now(datetime.timezone.utc)
    service, body = service_of(destination), json.dumps(document(outcome, now))
    client: Any = role_client.client(context, service, outcome.function)
    if service == "sqs":
        client.send_message(QueueUrl=role_client.queue_url(context, destination), MessageBody=body)
    elif service == "sns":
        client.publish(TopicArn=destination, Message=body)
    elif service == "lambda":
        client.invoke(FunctionName=destination, InvocationType="Event", Payload=body.encode())
    else:
        name = outcome.function["FunctionName"]
        key = f"aws/lambda/async/{name}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        client.put_object(Bucket=destination.split(":")[5], Key=key, Body=body.encode(), ContentType="application/json")


def send_to_dead_letters(context: Context, target: str, outcome: Outcome) -> None:
    """Deliver the event as it came to a dead-letter queue or topic, or raise an error."""
    service, body = service_of(target), json.dumps(outcome.event)
    attributes = {
        name: {"DataType": kind, "StringValue": value}
        for name, kind, value in (
            ("RequestID", "String", outcome.request_id),
            ("ErrorCode", "Number", str(outcome.status)),
            ("ErrorMessage", "String", _first_bytes(error_message(outcome), ERROR_MESSAGE_BYTES)),
        )
    }
    client: Any = role_client.client(context, service, outcome.function)
    if service == "sqs":
        url = role_client.queue_url(context, target)
        client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    else:
        client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)


def error_message(outcome: Outcome) -> str:
    said = outcome.response.get("errorMessage") if isinstance(outcome.response, dict) else outcome.response
    return str(outcome.message or said or outcome.condition)


def _first_bytes(text: str, count: int) -> str:
    return text.encode()[:count].decode("utf-8", "ignore")


def problem_with(destination: str, on: str) -> str | None:
    """Why the local stack refuses a destination. `on` is OnSuccess, OnFailure or TargetArn (dead letters)."""
    allowed = {"OnFailure": "sqs, sns, lambda, s3", "OnSuccess": "sqs, sns, lambda", "TargetArn": "sqs, sns"}[on]
    service = service_of(destination)
    if service not in allowed.split(", "):
        return f"{on} must be an ARN of one of these services: {allowed}. Got {destination}."
    if service in ("sqs", "sns") and destination.endswith(".fifo"):
        return f"{on} must be a standard queue or topic, not a FIFO one. Got {destination}."
    return None
