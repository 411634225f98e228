"""requests.jsonl on the running emulator, with permissions enforced: one line per call, as its caller knows it."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from botocore.config import Config
from emulator_stack import Stack, start_stack, unique, wait_for, zipped

ACCOUNT = "000000000000"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ENDED = ("SUCCEEDED", "FAILED")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("counting"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


def lines(stack: Stack) -> list[dict]:
    return [json.loads(line) for line in (stack.state_dir / "requests.jsonl").read_text().splitlines()]


def role(stack: Stack, service: str, *actions: str) -> str:
    """A role that the service and everyone of the account may assume."""
    name = unique("role")
    principal = {"Service": service, "AWS": ROOT}
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]}
    iam = stack.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(rights))
    return arn


# The body as it is, without the checksum's frame, so that a byte sent is a byte counted.
UNFRAMED = Config(request_checksum_calculation="when_required")


def session_of(role_arn: str, name: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_arn.split('/')[-1]}/{name}"


def test_each_call_is_one_line_with_caller_operation_resource_and_bytes(stack: Stack) -> None:
    bucket = stack.bucket()
    reader = role(stack, "ec2.amazonaws.com", "s3:*")
    s3 = stack.client_as(reader, "s3", UNFRAMED)
    before = len(lines(stack))
    s3.put_object(Bucket=bucket, Key="raw/one", Body=b"12345")
    s3.get_object(Bucket=bucket, Key="raw/one")["Body"].read()
    s3.get_object(Bucket=bucket, Key="raw/one", Range="bytes=1-2")["Body"].read()
    s3.head_object(Bucket=bucket, Key="raw/one")
    s3.copy_object(Bucket=bucket, Key="raw/two", CopySource=f"{bucket}/raw/one")
    keys = s3.list_objects_v2(Bucket=bucket, Prefix="raw/")["Contents"]
    s3.list_objects(Bucket=bucket)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": item["Key"]} for item in keys]})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"123")
    s3.abort_multipart_upload(Bucket=bucket, Key="big", UploadId=upload)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="raw/one")
    found = lines(stack)[before:]
    assert {line["principal"] for line in found} == {session_of(reader, "someone")}
    assert {line["service"] for line in found} == {"s3"}
    arn = f"arn:aws:s3:::{bucket}"
    one, two, big = f"{arn}/raw/one", f"{arn}/raw/two", f"{arn}/big"
    assert [(line["operation"], line["action"], line["resource"], line["status"]) for line in found] == [
        ("PutObject", "s3:PutObject", one, 200),
        ("GetObject", "s3:GetObject", one, 200),
        ("GetObject", "s3:GetObject", one, 206),
        ("HeadObject", "s3:GetObject", one, 200),
        ("CopyObject", "s3:PutObject", two, 200),
        ("ListObjectsV2", "s3:ListBucket", arn, 200),
        ("ListObjects", "s3:ListBucket", arn, 200),
        ("DeleteObjects", "s3:DeleteObject", one, 200),  # of several resources, the first
        ("CreateMultipartUpload", "s3:PutObject", big, 200),
        ("UploadPart", "s3:PutObject", big, 200),
        ("AbortMultipartUpload", "s3:AbortMultipartUpload", big, 204),
        ("GetObject", "s3:GetObject", one, 404),
    ]
    assert [line["bytes_in"] for line in found[:4]] == [5, 0, 0, 0]
    assert [line["bytes_out"] for line in found[:4]] == [0, 5, 2, 0]
    assert [line.get("prefix") for line in found[4:8]] == [None, "raw/", "", None]


def test_a_line_has_the_time_of_its_request_and_no_secret(stack: Stack) -> None:
    before = len(lines(stack))
    sent = time.time()
    stack.client("secretsmanager").create_secret(Name=unique("secret"), SecretString="do not write this")
    [line] = lines(stack)[before:]
    assert set(line) == {
        "time", "principal", "service", "operation", "action", "resource", "status", "bytes_in", "bytes_out"
    }  # fmt: skip
    assert (line["principal"], line["operation"]) == (ROOT, "CreateSecret")
    assert sent - 0.01 <= datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp() <= time.time()
    assert "do not write this" not in (stack.state_dir / "requests.jsonl").read_text()


def test_the_emulators_own_paths_are_no_calls(stack: Stack) -> None:
    before = len(lines(stack))
    with urllib.request.urlopen(f"{stack.endpoint}/_ministack/health", timeout=5) as answer:
        assert answer.status == 200
    assert lines(stack)[before:] == []


def test_calls_of_glue_name_the_table(stack: Stack) -> None:
    glue, database = stack.client("glue"), unique("database").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    before = len(lines(stack))
    glue.create_table(DatabaseName=database, TableInput={"Name": "events"})
    glue.get_table(DatabaseName=database, Name="events")
    found = [(line["service"], line["operation"], line["resource"]) for line in lines(stack)[before:]]
    assert found[1] == ("glue", "GetTable", f"arn:aws:glue:us-east-1:{ACCOUNT}:table/{database}/events")
    assert found[0][:2] == ("glue", "CreateTable")


def test_a_denied_call_is_counted_too(stack: Stack) -> None:
    bucket = stack.bucket()
    s3 = stack.client_as(role(stack, "ec2.amazonaws.com", "s3:GetObject"), "s3", UNFRAMED)
    before = len(lines(stack))
    with pytest.raises(s3.exceptions.ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    [line] = lines(stack)[before:]
    assert (line["operation"], line["status"]) == ("PutObject", 403)


def test_a_state_machines_call_has_its_role_and_the_functions_call_the_functions(stack: Stack) -> None:
    bucket = stack.bucket()
    stack.client("s3").put_object(Bucket=bucket, Key="in", Body=b"1234567")
    source = "exports.handler = async () => { console.log('seven B'); return 'answered'; }"
    worker, states = role(stack, "lambda.amazonaws.com", "logs:*"), role(stack, "states.amazonaws.com", "*")
    name = unique("function")
    stack.client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs24.x",
        Role=worker,
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.js": source})},
    )
    get = {"Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Arguments": {"Bucket": bucket, "Key": "in"}}
    invoke = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": name, "Payload": {"a": 1}}}
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Get",
        "States": {"Get": {"Type": "Task", **get, "Next": "Run"}, "Run": {"Type": "Task", **invoke, "End": True}},
    }
    client = stack.client("stepfunctions")
    machine = client.create_state_machine(name=unique("m"), definition=json.dumps(definition), roleArn=states)
    before = len(lines(stack))
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    ended = wait_for(
        "the end of the execution",
        lambda: found if (found := client.describe_execution(executionArn=arn))["status"] in ENDED else None,
    )
    assert ended["status"] == "SUCCEEDED"
    execution = session_of(states, arn.split(":")[-1])
    found = [line for line in lines(stack)[before:] if line["principal"] != ROOT]
    assert [
        (line["principal"], line["operation"], line["resource"], line["bytes_in"], line["bytes_out"]) for line in found
    ] == [
        (execution, "GetObject", f"arn:aws:s3:::{bucket}/in", 0, 7),
        (execution, "Invoke", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}", len('{"a": 1}'), 0),
        (session_of(worker, name), "PutLogEvents", found[2]["resource"], len("seven B"), 0),
    ]
    assert found[2]["resource"].startswith(f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/{name}:log-stream:")


def test_a_full_file_is_put_aside_and_the_oldest_removed(tmp_path: Path) -> None:
    from emulator.core.request_log import RequestLog

    log = RequestLog(tmp_path / "requests.jsonl", max_bytes=30, old_files=2)
    for number in range(10):
        log.write(f"line {number:04d}")  # ten bytes with its end: three in a file
    assert {path.name: path.read_text().split("\n")[:-1] for path in tmp_path.iterdir()} == {
        "requests.jsonl": ["line 0009"],
        "requests.1.jsonl": ["line 0006", "line 0007", "line 0008"],
        "requests.2.jsonl": ["line 0003", "line 0004", "line 0005"],
    }
