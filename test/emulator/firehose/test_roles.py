"""The delivery role on a running emulator that enforces IAM. Expectations are from the Firehose developer guide
("Grant Firehose access to an Amazon S3 destination", "Monitor Amazon Data Firehose Using CloudWatch Logs")."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from delivery_stream import ACCOUNT, PATIENCE, Hose, function_arn, processing
from emulator_stack import Stack, start_stack, unique, wait_for, zipped

ECHO = "exports.handler = async ({ records }) => ({ records: records.map((r) => ({ ...r, result: 'Ok' })) });"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("enforcing"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


def role(stack: Stack, service: str = "firehose.amazonaws.com", condition: dict | None = None) -> str:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, **({"Condition": condition} if condition else {})}]}
    return stack.client("iam").create_role(RoleName=unique("role"), AssumeRolePolicyDocument=json.dumps(document))[
        "Role"
    ]["Arn"]


def grant(stack: Stack, role_arn: str, **resource_by_action: str) -> None:
    statements = [
        {"Effect": "Allow", "Action": action.replace("_", ":"), "Resource": resource}
        for action, resource in resource_by_action.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    stack.client("iam").put_role_policy(RoleName=role_arn.split("/")[-1], PolicyName="all", PolicyDocument=document)


def test_delivery_needs_put_object_and_goes_on_once_it_is_allowed(stack: Stack):
    delivery = role(stack)
    hose = Hose(stack, RoleARN=delivery)
    hose.put("a")
    wait_for("a refused write", lambda: "S3.AccessDenied" in (stack.state_dir / "emulator.log").read_text(), PATIENCE)
    assert hose.keys() == []
    grant(stack, delivery, s3_PutObject=f"arn:aws:s3:::{hose.bucket}/*")
    hose.wait_for_text("a")
    writer = f"arn:aws:sts::{ACCOUNT}:assumed-role/{delivery.split('/')[-1]}/AWSFirehoseToS3"

    def writes() -> list[dict]:
        lines = (stack.state_dir / "requests.jsonl").read_text().splitlines(keepends=True)
        calls = [json.loads(line) for line in lines if line.endswith("\n")]
        key = f"arn:aws:s3:::{hose.bucket}/"
        return [call for call in calls if call["action"] == "s3:PutObject" and call["resource"].startswith(key)]

    # A request is logged after its answer.
    wait_for("the request that was allowed", lambda: writes()[-1]["status"] == 200)
    assert {call["principal"] for call in writes()} == {writer}


def test_the_transformation_needs_invoke_function(stack: Stack):
    executing = role(stack, "lambda.amazonaws.com")
    name = unique("echo")
    stack.client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs24.x",
        Role=executing,
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.js": ECHO})},
    )
    delivery = role(stack)
    hose = Hose(stack, RoleARN=delivery, **processing(name, NumberOfRetries="1"))
    grant(stack, delivery, s3_PutObject=f"arn:aws:s3:::{hose.bucket}/*")
    hose.put("a")
    (failure,) = hose.failures()
    assert (failure["errorCode"], failure["attemptsMade"]) == ("Lambda.InvokeAccessDenied", 2)
    grant(stack, delivery, s3_PutObject=f"arn:aws:s3:::{hose.bucket}/*", lambda_InvokeFunction=function_arn(name))
    hose.put("b")
    hose.wait_for_text("b", "ok/")


def test_a_source_needs_the_right_to_read_and_loses_nothing_without_it(stack: Stack):
    kinesis, name, delivery = stack.client("kinesis"), unique("source"), role(stack)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    wait_for(
        "the stream",
        lambda: (
            kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        ),
    )
    source = {
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": arn, "RoleARN": delivery},
    }
    with pytest.raises(ClientError, match="not authorized to perform: kinesis:DescribeStream"):
        Hose(stack, source=source, RoleARN=delivery)
    grant(stack, delivery, s3_PutObject="*", kinesis_DescribeStream=arn)
    hose = Hose(stack, source=source, RoleARN=delivery)
    kinesis.put_record(StreamName=name, Data=b"a", PartitionKey="k")
    wait_for(
        "a refused read", lambda: "Kinesis.AccessDenied" in (stack.state_dir / "emulator.log").read_text(), PATIENCE
    )
    grant(
        stack,
        delivery,
        s3_PutObject="*",
        kinesis_DescribeStream=arn,
        kinesis_GetShardIterator=arn,
        kinesis_GetRecords=arn,
    )
    hose.wait_for_text("a")


def test_a_role_that_firehose_cannot_assume_is_refused(stack: Stack):
    for refused in (role(stack, "lambda.amazonaws.com"), role(stack, condition=_external_id("111111111111"))):
        with pytest.raises(ClientError, match="Firehose is unable to assume role"):
            Hose(stack, RoleARN=refused)
    # AWS gives the account's number as external id.
    Hose(stack, RoleARN=role(stack, condition=_external_id(ACCOUNT)))


def _external_id(value: str) -> dict:
    return {"StringEquals": {"sts:ExternalId": value}}
