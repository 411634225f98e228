"""What the job logs: one JSON object a line, with the execution in each."""

import json
import sys
import types

import clickstream_etl as etl
import pytest

ARGUMENTS = {name: "none" for name in etl.ARGUMENTS} | {"execution": "run-1", "target_file_mb": "0"}


@pytest.fixture(autouse=True)
def context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etl, "LOG_CONTEXT", {})


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_level_time_message_and_execution(capsys):
    etl.LOG_CONTEXT["execution"] = "run-1"
    etl.say("wrote 3 rows\nof 1 date", files=2)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "INFO", "message": "wrote 3 rows\nof 1 date", "execution": "run-1", "files": 2}


def test_a_run_that_fails_says_so_in_a_line_of_its_execution(capsys, monkeypatch):
    utils = types.ModuleType("awsglue.utils")
    utils.getResolvedOptions = lambda argv, names: ARGUMENTS
    monkeypatch.setitem(sys.modules, "awsglue", types.ModuleType("awsglue"))
    monkeypatch.setitem(sys.modules, "awsglue.utils", utils)
    with pytest.raises(ValueError, match="target_file_mb"):
        etl.main()
    (line,) = lines(capsys)
    assert (line["level"], line["execution"], line["error"]) == ("ERROR", "run-1", "ValueError")
    assert "--target_file_mb must be a whole number" in line["detail"]
