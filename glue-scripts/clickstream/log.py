"""The job's log: a JSON object a line, which people read and Logs Insights queries."""

import json
from datetime import datetime, timezone

# What every log line carries: the execution, and the job run where it is known. A process has one run.
LOG_CONTEXT: dict[str, str] = {}


def say(message: str, level: str = "INFO", **fields: object) -> None:
    """One log line, a JSON object: progress for the person who watches the run, fields for Logs Insights."""
    line = {"timestamp": iso(datetime.now(timezone.utc)), "level": level, "message": message}
    print(json.dumps(line | LOG_CONTEXT | fields, ensure_ascii=False), flush=True)


def size_text(count: int) -> str:
    if count < 1_000_000:
        return f"{count / 1000:,.1f} kB"
    return f"{count / 1_000_000:,.1f} MB"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
