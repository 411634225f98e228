"""The job's log: one JSON object per line, for people and for queries in Logs Insights."""

import json
from datetime import datetime, timezone

# Fields of every log line: the execution, and the job run if it is known. A process has only one run.
LOG_CONTEXT: dict[str, str] = {}


def say(message: str, level: str = "INFO", **fields: object) -> None:
    """Writes one log line as a JSON object: a message for people, and fields for Logs Insights."""
    line = {"timestamp": iso(datetime.now(timezone.utc)), "level": level, "message": message}
    print(json.dumps(line | LOG_CONTEXT | fields, ensure_ascii=False), flush=True)


def size_text(count: int) -> str:
    if count < 1_000_000:
        return f"{count / 1000:,.1f} kB"
    return f"{count / 1_000_000:,.1f} MB"


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
