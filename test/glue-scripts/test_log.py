"""The job's log: one JSON object per line, each with the execution."""

import json
import sys
from pathlib import Path

import pytest

from clickstream.arguments import ARGUMENTS
from clickstream.log import LOG_CONTEXT, say

AWSGLUE = Path(__file__).resolve().parents[2] / "emulator" / "glue" / "libs"


@pytest.fixture(autouse=True)
def context(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(LOG_CONTEXT):
        monkeypatch.delitem(LOG_CONTEXT, name)
    monkeypatch.setitem(LOG_CONTEXT, "execution", "before")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_has_level_time_message_and_execution(capsys):
    LOG_CONTEXT["execution"] = "run-1"
    say("wrote 3 rows\nof 1 date", files=2)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "INFO", "message": "wrote 3 rows\nof 1 date", "execution": "run-1", "files": 2}


def test_a_failed_run_logs_the_error_with_its_execution(capsys, monkeypatch):
    arguments = {name: "none" for name in ARGUMENTS} | {"execution": "run-1", "privacy": "{}", "target_file_mb": "0"}
    given = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", ["clickstream_etl.py", *given, "--database", "d", "--table", "t"])
    monkeypatch.syspath_prepend(AWSGLUE)
    from clickstream_etl import main

    with pytest.raises(ValueError, match="target_file_mb"):
        main()
    (line,) = lines(capsys)
    assert (line["level"], line["execution"], line["error"]) == ("ERROR", "run-1", "ValueError")
    assert "--target_file_mb must be a whole number" in line["detail"]
