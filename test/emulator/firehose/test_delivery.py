"""Buffers, object names and deliveries to S3 on the running emulator. Expectations are from the Firehose developer
guide ("Understand data delivery", "Configure Amazon S3 object name format", "Understand custom prefixes")."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from delivery_stream import ACCOUNT, PATIENCE, ROLE, Hose
from emulator_stack import Stack, start_stack, unique, wait_for

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_records_are_joined_without_a_delimiter_under_the_hour_of_arrival(stack: Stack):
    hose = Hose(stack, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1})
    before = datetime.now(timezone.utc)
    hose.put("a\n", b"\x00\xff", "c")
    after = datetime.now(timezone.utc)
    (key,) = hose.wait_for_keys()
    name = re.fullmatch(rf"(\d{{4}}/\d\d/\d\d/\d\d)/{hose.name}-1-(\d{{4}}(?:-\d\d){{5}})-{UUID}", key)
    assert name, key
    moment = datetime.strptime(name.group(2), "%Y-%m-%d-%H-%M-%S").replace(tzinfo=timezone.utc)
    assert before - timedelta(seconds=1) <= moment <= after
    assert name.group(1) == f"{moment:%Y/%m/%d/%H}"
    found = hose.get(key)
    assert found["Body"].read() == b"a\n\x00\xffc"
    assert found["ContentType"] == "application/octet-stream"


def test_gzip_has_its_extension_and_encoding_and_a_given_extension_replaces_it(stack: Stack):
    hose = Hose(stack, CompressionFormat="GZIP", Prefix="static-")
    hose.put("a")
    (key,) = hose.wait_for_keys()
    # A prefix without a time gets one, without a slash between them.
    assert re.match(r"static-\d{4}/", key) and key.endswith(".gz")
    found = hose.get(key)
    assert (found["ContentEncoding"], gzip.decompress(found["Body"].read())) == ("gzip", b"a")
    hose.update(FileExtension=".jsonl.gz", Prefix="b/!{timestamp:yyyy}/", ErrorOutputPrefix="e/")
    hose.put("b")
    (key,) = hose.wait_for_keys(prefix="b/")
    # The version goes up with each change.
    assert key.endswith(".jsonl.gz") and f"{hose.name}-2-" in key


def test_the_time_zone_holds_for_prefix_and_name(stack: Stack):
    hose = Hose(
        stack,
        CustomTimeZone="Asia/Tokyo",
        Prefix="!{timestamp:yyyy-MM-dd'T'HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="e/!{firehose:error-output-type}/",
    )
    hose.put("a")
    (key,) = hose.wait_for_keys()
    hour, random, name = key.split("/")
    tokyo = datetime.now(timezone(timedelta(hours=9)))
    assert hour in (f"{tokyo:%Y-%m-%dT%H}", f"{tokyo - timedelta(minutes=1):%Y-%m-%dT%H}")
    assert re.fullmatch("[A-Za-z0-9]{11}", random)
    assert f"-1-{hour.replace('T', '-')}-" in name


def test_a_buffer_is_delivered_when_its_size_is_reached(stack: Stack):
    hose = Hose(stack, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    hose.put("a" * 600_000, "b" * 600_000)
    hose.wait_for_keys(1)
    # The second record waits for the end of the interval.
    assert hose.text() == "a" * 600_000


def test_a_buffer_is_delivered_when_its_interval_is_over(stack: Stack):
    hose = Hose(stack, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 2})
    began = time.monotonic()
    hose.put("a")
    hose.wait_for_keys(1)
    assert time.monotonic() - began >= 2


def test_a_delimiter_goes_between_the_records_of_an_object(stack: Stack):
    hose = Hose(
        stack,
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1},
        ProcessingConfiguration={"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord"}]},
    )
    hose.put("a", "b", "c")
    hose.wait_for_keys()
    assert hose.text() == "a\nb\nc"


def test_the_backup_has_the_source_records_in_its_own_bucket(stack: Stack):
    backup = stack.bucket("backup")
    hose = Hose(
        stack,
        S3BackupMode="Enabled",
        S3BackupConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{backup}",
            "Prefix": "source/",
            "CompressionFormat": "GZIP",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
    )
    hose.put("a" * 1_000_000, "b" * 100_000)
    hose.wait_for_keys(2)
    (key,) = hose.wait_for_keys(bucket=backup)
    assert re.match(r"source/\d{4}/", key)
    # The interval is at least 60 s: the second record waits.
    assert hose.text(bucket=backup) == "a" * 1_000_000
    hose.wait_for_metrics({"BackupToS3.Records": 1})


def test_a_write_is_repeated_until_the_bucket_is_there_and_logged(stack: Stack):
    bucket, group = unique("later"), unique("/firehose/")
    logs = stack.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="S3Delivery")
    logging = {"Enabled": True, "LogGroupName": group, "LogStreamName": "S3Delivery"}
    hose = Hose(stack, bucket, CloudWatchLoggingOptions=logging)
    hose.put("a")

    def lines() -> list[dict]:
        return [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=group)["events"]]

    line = wait_for("a line", lines, PATIENCE)[0]
    assert line == {
        "deliveryStreamARN": hose.arn,
        "destination": f"arn:aws:s3:::{bucket}",
        "deliveryStreamVersionId": 1,
        "message": "The specified S3 bucket does not exist. Use a different bucket that does exist.",
        "errorCode": "S3.NoSuchBucket",
    }
    stack.client("s3").create_bucket(Bucket=bucket)
    hose.wait_for_text("a")
    hose.wait_for_metrics({"DeliveryToS3.Success": 1})


def is_gone(hose: Hose) -> bool:
    try:
        hose.describe()
    except hose.client.exceptions.ResourceNotFoundException:
        return True
    return False


def test_a_deleted_stream_does_not_deliver_what_it_holds(stack: Stack):
    """Seen on AWS, which documents that it makes no guarantee."""
    hose = Hose(stack, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1})
    hose.put("a")
    hose.client.delete_delivery_stream(DeliveryStreamName=hose.name)
    with pytest.raises(hose.client.exceptions.ResourceNotFoundException, match="is not active"):
        hose.put("b")
    wait_for("the end of the deletion", lambda: is_gone(hose))
    # The interval was over before that.
    assert hose.keys() == []
    assert (
        f"delivery stream {hose.name}: 1 records were not delivered when the stream was deleted: lost"
        in (stack.state_dir / "emulator.log").read_text()
    )


# ---- a Kinesis stream as source


def test_a_kinesis_stream_is_read_from_the_creation_of_the_delivery_stream(stack: Stack):
    kinesis, name = stack.client("kinesis"), unique("source")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    wait_for(
        "the stream",
        lambda: (
            kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        ),
    )
    kinesis.put_record(StreamName=name, Data=b"before", PartitionKey="k")
    time.sleep(0.01)
    hose = Hose(
        stack,
        source={
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {"KinesisStreamARN": arn, "RoleARN": ROLE},
        },
    )
    kinesis.put_records(
        StreamName=name, Records=[{"Data": text.encode(), "PartitionKey": text} for text in ("a", "b", "c")]
    )
    hose.wait_for_text("abc")
    assert hose.describe()["Source"]["KinesisStreamSourceDescription"]["KinesisStreamARN"] == arn
    hose.wait_for_metrics({"DataReadFromKinesisStream.Records": 3})
    with pytest.raises(hose.client.exceptions.InvalidArgumentException, match="not permitted on KinesisStreamAsSource"):
        hose.put("d")


# ---- a run with throttling and faults, and its end


@pytest.fixture(scope="module")
def strict_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {
        "CLICKSTREAM_FIREHOSE_LIMITS": "1",
        "CLICKSTREAM_FIREHOSE_FAULTS": "object-twice",
    }
    running = start_stack(tmp_path_factory.mktemp("strict"), environment)
    try:
        yield running
    finally:
        running.stop()


def test_what_is_over_the_throughput_is_refused_record_by_record(strict_stack: Stack):
    hose = Hose(strict_stack)
    # 40 MB at once, of which 5 MiB may pass, and what is freed while the requests arrive.
    records = [{"Data": bytes(1_000_000)} for _ in range(4)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: hose.client.put_record_batch(DeliveryStreamName=hose.name, Records=records), range(10))
        )
    refused = [entry for answer in answers for entry in answer["RequestResponses"] if "ErrorCode" in entry]
    assert refused
    assert refused[0] == {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
    assert sum(answer["FailedPutCount"] for answer in answers) == len(refused)
    hose.wait_for_metrics({"ThrottledRecords": len(refused), "IncomingRecords": 40 - len(refused)})


def test_an_object_is_delivered_twice_under_two_names_when_a_test_asks_for_it(strict_stack: Stack):
    hose = Hose(strict_stack)
    hose.put("a")
    assert len(hose.wait_for_keys(2)) == 2
    assert hose.text() == "aa"


def test_the_end_of_the_emulator_says_which_records_are_lost(stack: Stack, tmp_path: Path):
    running = start_stack(tmp_path / "ending")
    assert running.endpoint != stack.endpoint
    hose = Hose(running, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    hose.put("a", "b")
    running.stop()
    assert (
        f"delivery stream {hose.name}: 2 records were not delivered when the emulator ended: lost"
        in (tmp_path / "ending" / "emulator.log").read_text()
    )
