"""The keys of raw and quarantine objects, and what they say."""

import re
from datetime import datetime, timezone

# End the keys of what this job itself puts into quarantine, so that the next run does not take it for ingest's.
UNREADABLE_SUFFIX = "-unreadable.jsonl.gz"

CONFLICT_SUFFIX = "-conflicts.jsonl.gz"

RAW_KEY = re.compile(
    r"year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/(?P<shard>.+)-(?P<first>\d+)-(?P<last>\d+)\.jsonl\.gz$"
)


def arrival_hour(uri: str) -> datetime:
    match = RAW_KEY.search(uri)
    if not match:
        return datetime.min.replace(tzinfo=timezone.utc)
    return datetime(*(int(match[group]) for group in range(1, 5)), tzinfo=timezone.utc)
