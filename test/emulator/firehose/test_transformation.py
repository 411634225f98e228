"""The transformation by a Lambda on the running emulator. Expectations are from the Firehose developer guide
("Transform source data", "Required parameters for data transformation", "Handle failure in data transformation")."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from delivery_stream import FUNCTION, PATIENCE, Hose, function_arn, processing
from emulator_stack import Stack, unique, wait_for

UPPER = 'return answer("Ok", text.toUpperCase());'


class Function:
    """A Lambda that logs its events."""

    def __init__(
        self, stack: Stack, folder: Path, body: str, source: str = FUNCTION, timeout_seconds: int = 60
    ) -> None:
        self._log = folder / f"{unique('log')}.jsonl"
        self.name = stack.node_function(source.replace("BODY", body), timeout_seconds, LOG=str(self._log))

    def events(self) -> list[dict]:
        """Without a line that the function is still writing."""
        text = self._log.read_text() if self._log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def texts(self) -> list[list[str]]:
        return [[base64.b64decode(record["data"]).decode() for record in event["records"]] for event in self.events()]


def test_ok_is_delivered_changed_dropped_not_at_all_and_failed_as_it_was(stack: Stack, tmp_path: Path):
    function = Function(
        stack,
        tmp_path,
        """if (text === "drop") return { recordId, result: "Dropped" };
        if (text === "fail") return answer("ProcessingFailed", "changed");
        return answer("Ok", text.toUpperCase());""",
    )
    hose = Hose(stack, **processing(function.name))
    hose.put("a", "drop", "fail", "b")
    (failure,) = hose.failures()
    hose.wait_for_text("AB", "ok/")
    (event,) = function.events()
    record = event["records"][2]
    assert base64.b64decode(record["data"]) == b"fail"
    assert failure.pop("attemptEndingTimestamp") >= record["approximateArrivalTimestamp"]
    assert failure == {
        "rawData": base64.b64encode(b"fail").decode(),
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "attemptsMade": 1,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "lambdaARN": function_arn(function.name),
    }
    assert hose.keys("failed/")[0].startswith("failed/processing-failed/hose-")


def test_the_event_names_the_stream_and_times_in_milliseconds(stack: Stack, tmp_path: Path):
    function = Function(stack, tmp_path, UPPER)
    hose = Hose(stack, **processing(function.name))
    before = int(time.time() * 1000)
    hose.put("a")
    after = int(time.time() * 1000)
    hose.wait_for_text("A", "ok/")
    (event,) = function.events()
    assert event.keys() == {"invocationId", "deliveryStreamArn", "region", "records"}
    assert (event["deliveryStreamArn"], event["region"]) == (hose.arn, "us-east-1")
    (record,) = event["records"]
    assert record.keys() == {"recordId", "approximateArrivalTimestamp", "data"}
    assert before <= record["approximateArrivalTimestamp"] <= after


ANSWERS = {
    "a record is missing": (
        "return { records: good.slice(1) };",
        {"0": "Lambda.MissingRecordId"},
    ),
    "no records": ("return {};", {"0": "Lambda.MissingRecordId", "1": "Lambda.MissingRecordId"}),
    "another id": (
        'return { records: [{ ...good[0], recordId: "x" }, good[1]] };',
        {"0": "Lambda.MissingRecordId"},
    ),
    "an id twice": (
        "return { records: [good[0], good[0], good[1]] };",
        {"0": "Lambda.DuplicatedRecordId"},
    ),
    "Ok without data": (
        "delete good[0].data; return { records: good };",
        {"0": "Lambda.InvalidReturnFormat"},
    ),
    "no base64": (
        'good[0].data = "not base64 %%"; return { records: good };',
        {"0": "Lambda.FunctionError", "1": "Lambda.FunctionError"},
    ),
    "another result": (
        'good[0].result = "ok"; return { records: good };',
        {"0": "Lambda.FunctionError", "1": "Lambda.FunctionError"},
    ),
    "no object": ('return "done";', {"0": "Lambda.JsonProcessingException", "1": "Lambda.JsonProcessingException"}),
}
ANSWERING = """
exports.handler = async (event) => {
  const good = event.records.map(({ recordId, data }) => ({ recordId, result: "Ok", data }));
  BODY
};
"""


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_breaks_a_rule_is_not_retried(stack: Stack, tmp_path: Path, answer: str):
    body, expected = ANSWERS[answer]
    function = Function(stack, tmp_path, body, ANSWERING)
    hose = Hose(stack, **processing(function.name))
    hose.put("0", "1")
    failures = hose.failures(len(expected))
    assert {base64.b64decode(failure["rawData"]).decode(): failure["errorCode"] for failure in failures} == expected
    assert {failure["attemptsMade"] for failure in failures} == {1}
    hose.wait_for_text("".join(sorted({"0", "1"} - expected.keys())), "ok/")


def test_a_function_that_throws_is_invoked_again_with_the_same_records(stack: Stack, tmp_path: Path):
    function = Function(
        stack, tmp_path, UPPER, FUNCTION.replace("const records =", 'throw new Error("no"); const records =')
    )
    hose = Hose(stack, **processing(function.name, NumberOfRetries="2"))
    hose.put("a", "b")
    failures = hose.failures(2)
    assert {(failure["errorCode"], failure["attemptsMade"]) for failure in failures} == {("Lambda.FunctionError", 3)}
    events = function.events()
    assert len({event["invocationId"] for event in events}) == len(events) == 3
    assert len({json.dumps(event["records"]) for event in events}) == 1


def test_three_retries_are_the_default_and_a_later_success_is_delivered_once(stack: Stack, tmp_path: Path):
    counted = FUNCTION.replace(
        "const records =",
        'if (fs.readFileSync(process.env.LOG, "utf8").split("\\n").length < 5) throw new Error("no"); const records =',
    )
    function = Function(stack, tmp_path, UPPER, counted)
    hose = Hose(stack, **processing(function.name))
    hose.put("a")
    hose.wait_for_text("A", "ok/")
    assert len(function.events()) == 4
    assert hose.keys("failed/") == []


def test_an_answer_over_6_mb_is_an_error_of_the_function(stack: Stack, tmp_path: Path):
    function = Function(stack, tmp_path, 'return answer("Ok", "x".repeat(5 * 1024 * 1024));')
    hose = Hose(stack, **processing(function.name, NumberOfRetries="0"))
    hose.put("a")
    assert hose.failures()[0]["errorCode"] == "Lambda.FunctionError"


def test_a_function_that_does_not_exist_fails_the_records(stack: Stack):
    hose = Hose(stack, **processing(unique("none"), NumberOfRetries="0"))
    hose.put("a")
    assert hose.failures()[0]["errorCode"] == "Lambda.ResourceNotFound"


def test_a_batch_of_the_lambda_has_at_most_the_size_of_its_buffer(stack: Stack, tmp_path: Path):
    function = Function(stack, tmp_path, 'return answer("Ok", text.slice(0, 1));')
    hose = Hose(stack, **processing(function.name, BufferSizeInMBs="0.2", BufferIntervalInSeconds="1"))
    hose.put(*(letter * 90_000 for letter in "abcde"))
    hose.wait_for_text("abcde", "ok/")
    # 0.2 MiB are 209,715 bytes.
    assert sorted(len(batch) for batch in function.texts()) == [1, 2, 2]


def test_many_small_records_stay_within_the_payload_of_an_invocation(stack: Stack, tmp_path: Path):
    function = Function(stack, tmp_path, 'return { recordId, result: "Dropped" };')
    hose = Hose(stack, **processing(function.name, BufferSizeInMBs="3", BufferIntervalInSeconds="2"))
    for _ in range(70):
        hose.put(*["x"] * 500)
    wait_for("all records", lambda: sum(map(len, function.texts())) == 35_000, PATIENCE)
    assert max(len(json.dumps(event)) for event in function.events()) < 6 * 1024 * 1024
    assert len(function.events()) > 1


def test_the_metrics_count_source_records_as_aws_does(stack: Stack, tmp_path: Path):
    """What AWS showed for a record of 51 bytes that was Ok, one of 53 that was dropped and one of 53 that failed."""
    function = Function(
        stack,
        tmp_path,
        """if (text.startsWith("d")) return answer("Dropped");
        return answer(text.startsWith("f") ? "ProcessingFailed" : "Ok", text.repeat(3));""",
    )
    hose = Hose(stack, **processing(function.name))
    hose.put("o" * 51, "d" * 53, "f" * 53)
    hose.failures()
    hose.wait_for_text("o" * 153, "ok/")
    expected = {
        "IncomingRecords": 3,
        "IncomingBytes": 157,
        "DeliveryToS3.Records": 2,
        "DeliveryToS3.Bytes": 104,
        "SucceedProcessing.Records": 1,
        "SucceedProcessing.Bytes": 51,
        "ExecuteProcessing.Success": 1,
    }
    # They are recorded after the object is there.
    hose.wait_for_metrics(expected)
