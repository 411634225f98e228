"""Parts of Firehose by themselves: patterns of times, prefixes, buffers, and how long a write is repeated.

Expectations are from Java's documentation of DateTimeFormatter and the Firehose developer guide."""

from __future__ import annotations

import sys
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from emulator.firehose import objects, prefixes
from emulator.firehose.buffers import Buffer, Limit
from emulator.firehose.faults import VARIABLE, Faults, asked_for
from emulator.firehose.records import new_record
from emulator.firehose.throughput import Throughput
from emulator.firehose.timestamps import BadPattern, format_time

MOMENT = datetime(2018, 8, 7, 0, 5, 9, tzinfo=timezone.utc)
PATTERNS = {
    "yyyy/MM/dd/HH/": "2018/08/07/00/",
    "yy-M-d-H": "18-8-7-0",
    "'year='yyyy'/it''s'": "year=2018/it's",
    "''": "'",
    "DDD D": "219 219",
    "MMM MMMM": "Aug August",
    "EEE EEEE": "Tue Tuesday",
    "hh:mm:ss a K k": "12:05:09 AM 0 24",
    "QQQ Q": "Q3 3",
    "ss.SSS": "09.000",
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_time_is_formatted_as_java_does(pattern: str):
    assert format_time(pattern, MOMENT) == PATTERNS[pattern]


@pytest.mark.parametrize("pattern", ["ddd", "aa", "yyyy#", "XXX", "'open"])
def test_a_pattern_that_is_none_or_not_known_is_refused(pattern: str):
    with pytest.raises(BadPattern):
        format_time(pattern, MOMENT)


@pytest.mark.parametrize(
    ("prefix", "error_prefix", "expected"),
    [
        ("", "", "processing-failed/2018/08/07/00/"),
        ("my/", "", "my/processing-failed/2018/08/07/00/"),
        ("my/", "bad/", "bad/processing-failed/2018/08/07/00/"),
        ("my/", "bad/!{firehose:error-output-type}/!{timestamp:yyyy}/", "bad/processing-failed/2018/"),
    ],
)
def test_failed_records_have_a_prefix_of_their_own(prefix: str, error_prefix: str, expected: str):
    destination = {"Prefix": prefix, "ErrorOutputPrefix": error_prefix, "CompressionFormat": "UNCOMPRESSED"}
    key = prefixes.object_name(destination, "hose", 3, MOMENT.timestamp(), prefixes.PROCESSING_FAILED)
    assert key.startswith(f"{expected}hose-3-2018-08-07-00-05-09-")


def test_a_buffer_is_due_by_size_or_by_the_age_of_its_first_record():
    buffer, limit = Buffer(), Limit(10, 5)
    for data in (b"1234", b"1234", b"1234"):
        buffer.add(new_record(data, 0), limit, 100)
    # A third record would be over the size, so the first two are full.
    assert [len(batch) for batch in buffer.take_due(limit, 100)] == [2]
    assert (buffer.due_at(limit), buffer.take_due(limit, 104.9)) == (105, [])
    assert [len(batch) for batch in buffer.take_due(limit, 105)] == [1]
    assert (buffer.due_at(limit), buffer.all()) == (None, [])


def test_the_throughput_is_that_of_a_second():
    now = [0.0]
    throughput = Throughput(enforced=True, clock=lambda: now[0])
    admitted = [throughput.admits_record("arn", 1024 * 1024) for _ in range(6)]
    assert admitted == [True] * 5 + [False]
    assert throughput.admits_record("other", 1)
    now[0] = 0.2
    assert throughput.admits_record("arn", 1024 * 1024)
    assert [throughput.admits_request("arn") for _ in range(2001)].count(True) == 2000


def test_a_fault_that_is_not_known_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "object-twice,invocation-twice")
    assert asked_for() == Faults(object_twice=True, invocation_twice=True)
    monkeypatch.setenv(VARIABLE, "twice")
    with pytest.raises(ValueError, match="can have object-twice, invocation-twice, separated by commas, got twice"):
        asked_for()


class _Refusing:
    """In the place of the clients, the diagnostics and the stop: each wait takes an hour."""

    name = "hose"

    def __init__(self) -> None:
        self.now, self.attempts, self.said = 1_000.0, 0, []

    def get(self, _role: str):
        self.attempts += 1
        raise objects.permissions.NotAssumable("no")

    def report(self, *_arguments: object) -> None:
        pass

    def warn_once(self, _kind: str, message: str) -> None:
        self.said.append(message)

    def is_set(self) -> bool:
        return False

    def wait(self, _seconds: float) -> None:
        self.now += 3600


def test_records_that_s3_does_not_take_for_24_hours_are_lost_and_it_says_so():
    world = _Refusing()
    writer = objects.Writer(world, world, world, world, clock=lambda: world.now)  # type: ignore[arg-type]
    destination = {
        "RoleARN": "role",
        "BucketARN": "arn:aws:s3:::b",
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    }
    content = objects.S3Object(destination, "key", b"x", world.now, 7, 1, "DeliveryToS3")
    assert writer.write(content, objects.RETENTION_SECONDS) is False
    # The first attempt, and one after each of 25 hours.
    assert world.attempts == 26
    (message,) = world.said
    assert message == (
        "delivery stream hose: 7 records are lost, because S3 did not take them (S3.AccessDenied) in the time that "
        "Firehose keeps records"
    )


def test_a_stopped_stream_writes_no_more():
    world, stopped = _Refusing(), threading.Event()
    stopped.set()
    writer = objects.Writer(world, world, world, stopped)  # type: ignore[arg-type]
    assert writer.write(objects.S3Object({}, "key", b"x", 0, 1, 1, "DeliveryToS3"), 1) is False
    assert world.attempts == 0
