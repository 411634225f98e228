"""The keys of raw and quarantine objects, and how they are parsed."""

import re
from datetime import datetime, timezone

# Suffixes of the quarantine objects that this job writes. The next run then does not count them as objects of the
# ingest.
UNREADABLE_SUFFIX = "-unreadable.jsonl.gz"

CONFLICT_SUFFIX = "-conflicts.jsonl.gz"

# The layout of all raw and quarantine objects. Only the ingest's own names say which records are in the object.
HOUR_KEY = re.compile(r"year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/(?P<name>[^/]+)\.jsonl\.gz$")

RAW_KEY = re.compile(HOUR_KEY.pattern.replace("(?P<name>[^/]+)", r"(?P<shard>.+)-(?P<first>\d+)-(?P<last>\d+)"))


EVENT_DATE = re.compile(r"/event_date=(\d{4}-\d\d-\d\d)/[^/]+\.parquet$")


def event_date(uri: str) -> str | None:
    """The date of a file of the table, None if it is another object."""
    match = EVENT_DATE.search(uri)
    return match[1] if match else None


def hour_folder(moment: datetime) -> str:
    """The folder of the objects that arrived in this hour."""
    return f"year={moment:%Y}/month={moment:%m}/day={moment:%d}/hour={moment:%H}/"


def arrival_hour(uri: str) -> datetime:
    """The hour in an object's folder. Firehose gives objects names of its own."""
    match = HOUR_KEY.search(uri)
    if not match:
        return datetime.min.replace(tzinfo=timezone.utc)
    return datetime(*(int(match[group]) for group in range(1, 5)), tzinfo=timezone.utc)
