"""The transformation by a Lambda on the running emulator. Expectations are from the Firehose developer guide
("Transform source data", "Required parameters for data transformation", "Handle failure in data transformation")."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from delivery_stream import FUNCTION, Hose, function_arn, processing
from emulator_stack import Stack, unique

UPPER = 'return answer("Ok", text.toUpperCase());'


class Function:
    """A Lambda that logs its events."""

    def __init__(
        self, stack: Stack, folder: Path, body: str, source: str = FUNCTION, timeout_seconds: int = 10
    ) -> None:
        self._log = folder / f"{unique('log')}.jsonl"
        self.name = stack.node_function(source.replace("BODY", body), timeout_seconds, LOG=str(self._log))

    def events(self) -> list[dict]:
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

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
