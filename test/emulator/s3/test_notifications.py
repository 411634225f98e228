"""Event notifications of buckets on the running emulator, with functions and queues.

Expectations are from the Amazon S3 user guide ("Amazon S3 Event Notifications", "Event message structure",
"Configuring event notifications using object key name filtering").
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, start_stack, unique, zipped
from emulator_stack import wait_for as wait_up_to

ACCOUNT = "000000000000"
# A loaded machine takes long to start a function's first process.
PATIENCE = 60.0
wait_for = functools.partial(wait_up_to, timeout_seconds=PATIENCE)
FUNCTION = """
const fs = require("node:fs");
exports.handler = async (event) => {
  for (const record of event.Records)
    fs.appendFileSync(process.env.LOG, JSON.stringify({ ...record, process: process.pid }) + "\\n");
};
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("events"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


class Flow:
    """A bucket, a function that logs the events, and the permission of S3 to invoke it."""

    def __init__(self, stack: Stack, folder: Path, *, permitted: bool = True) -> None:
        self.stack, self.s3, self.lambda_ = stack, stack.client("s3"), stack.client("lambda")
        self.log = folder / f"{unique('log')}.jsonl"
        self.bucket = stack.bucket()
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = stack.client("iam").create_role(
            RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )
        self.function = unique("function")
        self.arn = self.lambda_.create_function(
            FunctionName=self.function,
            Runtime="nodejs24.x",
            Role=role["Role"]["Arn"],
            Handler="index.handler",
            Code={"ZipFile": zipped({"index.js": FUNCTION})},
            Environment={"Variables": {"LOG": str(self.log)}},
        )["FunctionArn"]
        if permitted:
            self.permit()

    def permit(self, bucket: str = "", account: str = ACCOUNT) -> Flow:
        self.lambda_.add_permission(
            FunctionName=self.function,
            StatementId=unique("s3"),
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{bucket or self.bucket}",
            SourceAccount=account,
        )
        return self

    def rule(self, *events: str, prefix: str | None = None, suffix: str | None = None, **others) -> dict:
        rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
        return {
            "LambdaFunctionArn": self.arn,
            "Events": list(events or ["s3:ObjectCreated:*"]),
            **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
            **others,
        }

    def notify(self, *rules: dict, **others) -> None:
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={"LambdaFunctionConfigurations": list(rules or [self.rule()]), **others},
        )

    def put(self, key: str, body: bytes = b"line\n") -> dict:
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def records(self) -> list[dict]:
        return list(map(json.loads, self.log.read_text().splitlines())) if self.log.exists() else []

    def keys(self) -> list[str]:
        return [record["s3"]["object"]["key"] for record in self.records()]

    def arrived(self, count: int) -> list[dict]:
        wait_for(f"{count} events", lambda: len(self.records()) >= count)
        records = self.records()
        assert len(records) == count
        return sorted(records, key=lambda record: record["s3"]["object"]["sequencer"])


def refusal(call, *arguments, **named) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_put_object_is_announced_with_what_the_function_needs(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify(flow.rule(prefix="raw/", suffix=".jsonl.gz", Id="arrival"))
    etag = flow.put("raw/year=2026/a b+ü.jsonl.gz", b"12345")["ETag"]
    (record,) = flow.arrived(1)
    assert (record["eventSource"], record["eventName"], record["awsRegion"]) == (
        "aws:s3",
        "ObjectCreated:Put",
        "us-east-1",
    )
    major, minor = record["eventVersion"].split(".")
    assert major == "2" and int(minor) >= 1
    assert record["eventTime"].endswith("Z")
    assert record["s3"]["configurationId"] == "arrival"
    assert record["s3"]["bucket"]["name"] == flow.bucket
    assert record["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{flow.bucket}"
    found = record["s3"]["object"]
    assert int(found.pop("sequencer"), 16) > 0
    assert found == {"key": "raw/year%3D2026/a+b%2B%C3%BC.jsonl.gz", "size": 5, "eTag": etag.strip('"')}


def test_only_keys_with_prefix_and_suffix_are_announced(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify(flow.rule(prefix="raw/", suffix=".gz"))
    for key in ("raw/a.txt", "other/b.gz", "raws.gz", "raw/c.gz"):
        flow.put(key)
    flow.arrived(1)
    assert flow.keys() == ["raw/c.gz"]


def test_copies_uploads_in_parts_and_removals_have_names_of_their_own(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.s3.put_bucket_versioning(Bucket=flow.bucket, VersioningConfiguration={"Status": "Enabled"})
    flow.notify(flow.rule("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    version = flow.put("one")["VersionId"]
    flow.s3.copy_object(Bucket=flow.bucket, Key="two", CopySource={"Bucket": flow.bucket, "Key": "one"})
    upload = flow.s3.create_multipart_upload(Bucket=flow.bucket, Key="three")["UploadId"]
    part = flow.s3.upload_part(Bucket=flow.bucket, Key="three", UploadId=upload, PartNumber=1, Body=b"part")
    flow.s3.complete_multipart_upload(
        Bucket=flow.bucket,
        Key="three",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    flow.s3.delete_object(Bucket=flow.bucket, Key="two")
    flow.s3.delete_objects(Bucket=flow.bucket, Delete={"Objects": [{"Key": "one", "VersionId": version}]})
    records = flow.arrived(5)
    assert [(record["eventName"], record["s3"]["object"]["key"]) for record in records] == [
        ("ObjectCreated:Put", "one"),
        ("ObjectCreated:Copy", "two"),
        ("ObjectCreated:CompleteMultipartUpload", "three"),
        ("ObjectRemoved:DeleteMarkerCreated", "two"),
        ("ObjectRemoved:Delete", "one"),
    ]
    assert records[0]["s3"]["object"]["versionId"] == version
    assert records[2]["s3"]["object"]["size"] == 4
    for removed in records[3:]:
        assert set(removed["s3"]["object"]) == {"key", "sequencer", "versionId"}


def test_200_objects_are_announced_once_each_and_run_in_few_processes(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify()
    for number in range(200):
        flow.put(f"raw/{number:03}.gz", b"")
    records = flow.arrived(200)
    # The sequencer follows the order of the changes.
    assert [record["s3"]["object"]["key"] for record in records] == [f"raw/{number:03}.gz" for number in range(200)]
    assert len({record["process"] for record in records}) <= 4


def test_a_configuration_is_stored_and_removed(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify(flow.rule(prefix="raw/", Id="one"), flow.rule("s3:ObjectRemoved:Delete", prefix="raw/", Id="two"))
    found = flow.s3.get_bucket_notification_configuration(Bucket=flow.bucket)["LambdaFunctionConfigurations"]
    assert [(rule["Id"], rule["LambdaFunctionArn"], rule["Events"]) for rule in found] == [
        ("one", flow.arn, ["s3:ObjectCreated:*"]),
        ("two", flow.arn, ["s3:ObjectRemoved:Delete"]),
    ]
    assert found[0]["Filter"] == {"Key": {"FilterRules": [{"Name": "prefix", "Value": "raw/"}]}}
    flow.s3.put_bucket_notification_configuration(Bucket=flow.bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in flow.s3.get_bucket_notification_configuration(Bucket=flow.bucket)


UNREACHABLE = "Unable to validate the following destination configurations"


@pytest.mark.parametrize("permission", [None, {"bucket": "another-bucket"}, {"account": "111111111111"}])
def test_a_function_that_s3_may_not_invoke_is_refused(stack, tmp_path, permission):
    flow = Flow(stack, tmp_path, permitted=False)
    if permission is not None:
        flow.permit(**permission)
    code, message = refusal(flow.notify)
    assert code == "InvalidArgument" and UNREACHABLE in message
    assert "LambdaFunctionConfigurations" not in flow.s3.get_bucket_notification_configuration(Bucket=flow.bucket)
    flow.permit().notify()


def test_a_function_that_does_not_exist_is_refused(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    code, message = refusal(flow.notify, flow.rule(LambdaFunctionArn=f"{flow.arn}x"))
    assert code == "InvalidArgument" and UNREACHABLE in message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"prefix": "raw/"}),
        ({"prefix": "raw/"}, {"prefix": "raw/year"}),
        ({"suffix": ".gz"}, {"suffix": ".jsonl.gz"}),
        ({"prefix": "raw/"}, {"suffix": ".gz"}),
    ],
)
def test_two_rules_that_one_key_can_match_are_refused(stack, tmp_path, one, other):
    flow = Flow(stack, tmp_path)
    code, message = refusal(flow.notify, flow.rule(**one), flow.rule("s3:ObjectCreated:Put", **other))
    assert code == "InvalidArgument" and "overlap" in message


def test_rules_for_other_keys_or_other_events_go_together(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify(
        flow.rule(prefix="raw/", suffix=".gz"),
        flow.rule(prefix="raw/", suffix=".json"),
        flow.rule(prefix="other/"),
        flow.rule("s3:ObjectRemoved:*", prefix="raw/"),
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"Events": ["s3:ObjectTagging:*"]}, "s3:ObjectTagging:*"),
        ({"Filter": {"Key": {"FilterRules": [{"Name": "infix", "Value": "x"}]}}}, "either prefix or suffix"),
        ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": v} for v in "ab"]}}}, "more than one prefix"),
        ({"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "x" * 1025}]}}}, "1024 bytes"),
    ],
)
def test_what_cannot_be_honoured_is_refused(stack, tmp_path, rule, said):
    flow = Flow(stack, tmp_path)
    code, message = refusal(flow.notify, {**flow.rule(), **rule})
    assert code == "InvalidArgument" and said in message


def test_a_permission_that_is_taken_back_loses_the_event_and_says_so(stack, tmp_path):
    flow = Flow(stack, tmp_path)
    flow.notify()
    policy = json.loads(flow.lambda_.get_policy(FunctionName=flow.function)["Policy"])
    flow.lambda_.remove_permission(FunctionName=flow.function, StatementId=policy["Statement"][0]["Sid"])
    flow.put("raw/a.gz")
    log = stack.state_dir / "emulator.log"
    wait_for("the log", lambda: f"an event of the bucket {flow.bucket} is lost" in log.read_text())
    assert flow.records() == []


def test_a_queue_gets_a_test_event_and_then_the_events(stack, tmp_path):
    flow, sqs = Flow(stack, tmp_path), stack.client("sqs")
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.split('/')[-1]}"
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}

    def notify() -> None:
        flow.s3.put_bucket_notification_configuration(Bucket=flow.bucket, NotificationConfiguration=configuration)

    assert UNREACHABLE in refusal(notify)[1]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{flow.bucket}"}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
    notify()
    flow.put("raw/a.gz")
    bodies: list[dict] = []

    def received() -> bool:
        bodies.extend(json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url).get("Messages", []))
        return len(bodies) == 2

    wait_for("both messages", received)
    assert bodies[0]["Event"] == "s3:TestEvent"
    assert bodies[1]["Records"][0]["s3"]["object"]["key"] == "raw/a.gz"


@pytest.fixture
def faulty_stack(tmp_path: Path) -> Iterator[Stack]:
    running = start_stack(tmp_path / "state", {"CLICKSTREAM_S3_FAULTS": "event-twice"})
    try:
        yield running
    finally:
        running.stop()


def test_events_can_be_announced_twice_and_out_of_order(faulty_stack, tmp_path):
    flow = Flow(faulty_stack, tmp_path)
    flow.notify()
    for number in range(10):
        flow.put(str(number))
    wait_for("all events, twice", lambda: len(flow.records()) == 20)
    # The same events, not new ones.
    sequencers = [record["s3"]["object"]["sequencer"] for record in flow.records()]
    assert Counter(Counter(sequencers).values()) == {2: 10}
    assert sequencers != sorted(sequencers)
