"""The event that the transformation Lambda gets, and what its answer means for each record.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html. The documentation does not say
what each mistake leads to. The codes and messages are those that AWS wrote for such answers.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from .records import Record
from .streams import DeliveryStream


@dataclass(frozen=True)
class Failure:
    """Why records were not transformed."""

    code: str
    message: str


FUNCTION_ERROR = Failure(
    "Lambda.FunctionError", "The Lambda function was successfully invoked but it returned an error result."
)
WRONG_FORM = Failure(
    "Lambda.FunctionError",
    "Check your function and make sure the output is in required format. In addition to that, make sure the processed "
    "records contain valid result status of Dropped, Ok, or ProcessingFailed",
)
NOT_JSON = Failure(
    "Lambda.JsonProcessingException",
    "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the "
    "status model required by Firehose.",
)
MISSING_ID = Failure(
    "Lambda.MissingRecordId",
    "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
)
DUPLICATED_ID = Failure(
    "Lambda.DuplicatedRecordId",
    "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record "
    "Id for each record.",
)
SET_BY_FUNCTION = Failure("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
NO_DATA = Failure(
    "Lambda.InvalidReturnFormat",
    "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is "
    "Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.",
)
RESULTS = ("Ok", "Dropped", "ProcessingFailed")


@dataclass
class Transformed:
    """What became of a batch. A record that is in neither list was dropped by the function."""

    ok: list[Record]
    failed: list[tuple[Record, Failure]]


def event(stream: DeliveryStream, records: list[Record]) -> dict[str, Any]:
    """The event of one invocation. A repeated one has another invocationId and the same record ids."""
    entries = []
    for record in records:
        entry: dict[str, Any] = {
            "recordId": record.id,
            "approximateArrivalTimestamp": int(record.arrival * 1000),
            "data": base64.b64encode(record.data).decode(),
        }
        if record.kinesis:
            entry["kinesisRecordMetadata"] = record.kinesis
        entries.append(entry)
    source = {"sourceKinesisStreamArn": stream.source["KinesisStreamARN"]} if stream.source else {}
    return {
        "invocationId": str(uuid.uuid4()),
        "deliveryStreamArn": stream.arn,
        "region": stream.region,
        **source,
        "records": entries,
    }


def all_failed(records: list[Record], failure: Failure) -> Transformed:
    return Transformed([], [(record, failure) for record in records])


def read(records: list[Record], answer: Any) -> Transformed:
    """An answer that breaks a rule is final: only an error of the function is retried."""
    if not isinstance(answer, dict):
        return all_failed(records, NOT_JSON)
    entries = answer.get("records")
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    if any(entry.get("result") not in RESULTS or not _is_readable(entry) for entry in entries):
        return all_failed(records, WRONG_FORM)
    counts = Counter(str(entry.get("recordId")) for entry in entries)
    by_id = {str(entry.get("recordId")): entry for entry in entries}
    found = Transformed([], [])
    for record in records:
        outcome = _outcome(record, by_id.get(record.id), counts[record.id])
        if isinstance(outcome, Failure):
            found.failed.append((record, outcome))
        elif outcome is not None:
            found.ok.append(outcome)
    return found


def _outcome(record: Record, entry: dict[str, Any] | None, count: int) -> Record | Failure | None:
    if entry is None:
        return MISSING_ID
    if count > 1:
        return DUPLICATED_ID
    if entry["result"] == "Dropped":
        return None
    if entry["result"] == "ProcessingFailed":
        return SET_BY_FUNCTION
    if entry.get("data") is None:
        return NO_DATA
    return replace(record, data=base64.b64decode(entry["data"]))


def _is_readable(entry: dict[str, Any]) -> bool:
    data = entry.get("data")
    if data is None:
        return True
    try:
        return isinstance(data, str) and base64.b64decode(data, validate=True) is not None
    except (binascii.Error, ValueError):
        return False
