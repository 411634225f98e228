"""IAM on the running emulator, in force: what a role may not do fails as on AWS, naming role, action and resource."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, start_stack, unique, wait_for, zipped

ACCOUNT = "000000000000"
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("enforcing"), {"AUTH": "true"})
    try:
        yield running
    finally:
        running.stop()


def role(stack: Stack, service: str, *statements: dict, condition: dict | None = None, principal=None) -> str:
    """Make a role that the service may assume and that may do what the statements say; returns its ARN."""
    name = unique("role")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal or {"Service": service}}
    if condition:
        trust["Condition"] = condition
    iam = stack.client("iam")
    created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    grant(stack, created["Role"]["Arn"], *statements)
    return created["Role"]["Arn"]


def grant(stack: Stack, role_arn: str, *statements: dict) -> None:
    """Replace what the role may do."""
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        name = role_arn.split("/")[-1]
        stack.client("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)


def allow(*actions: str, on: str = "*", **condition) -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **condition}


def function(stack: Stack, role_arn: str, source: str = "exports.handler = async () => 'ok'") -> str:
    name = unique("function")
    stack.client("lambda").create_function(
        FunctionName=name,
        Runtime="nodejs24.x",
        Role=role_arn,
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.js": source})},
    )
    return name


def machine(stack: Stack, role_arn: str, task: dict) -> str:
    definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": {"Type": "Task", **task}}}
    definition["States"]["Only"]["End"] = True
    states = stack.client("stepfunctions")
    created = states.create_state_machine(name=unique("m"), definition=json.dumps(definition), roleArn=role_arn)
    return created["stateMachineArn"]


def executed(stack: Stack, machine_arn: str) -> dict:
    states = stack.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine_arn)["executionArn"]

    def ended() -> dict | None:
        found = states.describe_execution(executionArn=arn)
        return found if found["status"] in ENDED else None

    return wait_for("the end of the execution", ended)


def refusal(call, **arguments) -> str:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return f"{raised.value.response['Error']['Code']}: {raised.value.response['Error']['Message']}"


# ---- state machine ----


def test_a_task_fails_that_the_state_machines_role_may_not_do(stack: Stack) -> None:
    name = function(stack, role(stack, "lambda.amazonaws.com"))
    states_role = role(stack, "states.amazonaws.com")
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": name}}
    arn = machine(stack, states_role, task)
    failed = executed(stack, arn)
    assert failed["status"] == "FAILED"
    assert failed["error"] == "Lambda.AWSLambdaException"
    execution_name = failed["name"]
    assert (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{states_role.split('/')[-1]}/{execution_name} is not authorized to "
        f"perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name} because no "
        "identity-based policy allows the lambda:InvokeFunction action"
    ) in failed["cause"]
    grant(stack, states_role, allow("lambda:InvokeFunction", on=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"))
    assert executed(stack, arn)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("resource", "arguments", "error", "action"),
    [
        ("sns:publish", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:t", "Message": "m"}, "SNS.Auth", "sns:Publish"),
        ("glue:startJobRun.sync", {"JobName": "j"}, "Glue.AccessDeniedException", "glue:StartJobRun"),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, "S3.S3Exception", "s3:GetObject"),
        (
            "athena:startQueryExecution.sync",
            {"QueryString": "SELECT 1", "WorkGroup": "w"},
            "Athena.AccessDeniedException",
            "athena:StartQueryExecution",
        ),
    ],
)
def test_each_service_needs_its_permission(
    stack: Stack, resource: str, arguments: dict, error: str, action: str
) -> None:
    task = {"Resource": f"arn:aws:states:::{resource}", "Arguments": arguments}
    failed = executed(stack, machine(stack, role(stack, "states.amazonaws.com"), task))
    assert failed["error"].startswith(error)
    assert f"not authorized to perform: {action} on resource: arn:aws:" in failed["cause"]


def test_an_integration_with_unknown_permissions_is_rejected(stack: Stack) -> None:
    task = {"Resource": "arn:aws:states:::sqs:sendMessage", "Arguments": {"QueueUrl": "q", "MessageBody": "m"}}
    failed = executed(stack, machine(stack, role(stack, "states.amazonaws.com", allow("sqs:SendMessage")), task))
    assert "does not know which permissions arn:aws:states:::sqs:sendMessage needs" in failed["cause"]


# ---- trust policies ----


def test_a_role_that_the_service_may_not_assume_is_refused(stack: Stack) -> None:
    other = role(stack, "ec2.amazonaws.com")
    assert "cannot be assumed by Lambda" in refusal(function, stack=stack, role_arn=other)
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}}
    assert "authorized to assume the provided role" in refusal(machine, stack=stack, role_arn=other, task=task)
    target = {"Arn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m", "RoleArn": other}
    assert "must allow AWS EventBridge Scheduler to assume the role" in refusal(
        stack.client("scheduler").create_schedule,
        Name=unique("s"),
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    job = unique("job")
    command = {"Name": "glueetl", "ScriptLocation": "s3://nowhere/script.py"}
    stack.client("glue").create_job(Name=job, Role=other, Command=command)
    assert "should be given assume role permissions for Glue Service" in refusal(
        stack.client("glue").start_job_run, JobName=job
    )


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("aws:SourceAccount", ACCOUNT, "111111111111"),
        ("aws:SourceArn", f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:*", "arn:aws:states:*:*:stateMachine:x"),
    ],
)
def test_the_conditions_of_a_trust_policy_hold(stack: Stack, key: str, good: str, bad: str) -> None:
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}}
    trusted = role(stack, "states.amazonaws.com", condition={"StringLike": {key: good}})
    assert machine(stack, trusted, task)
    foreign = role(stack, "states.amazonaws.com", condition={"StringLike": {key: bad}})
    assert "authorized to assume" in refusal(machine, stack=stack, role_arn=foreign, task=task)


# ---- event source mapping ----

READS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)


def stream(stack: Stack) -> tuple[str, str]:
    name = unique("stream")
    kinesis = stack.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return name, kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]


@pytest.mark.parametrize("missing", READS)
def test_a_mapping_is_refused_whose_function_cannot_read_the_stream(stack: Stack, missing: str) -> None:
    _, arn = stream(stack)
    name = function(stack, role(stack, "lambda.amazonaws.com", allow(*(set(READS) - {missing}), on=arn)))
    said = refusal(
        stack.client("lambda").create_event_source_mapping,
        EventSourceArn=arn,
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
    )
    assert said.startswith("InvalidParameterValueException: Cannot access stream")
    assert f"perform: {missing} on resource: {arn}" in said


def test_a_mapping_that_may_not_read_any_more_says_so_and_loses_nothing(stack: Stack) -> None:
    name, arn = stream(stack)
    reader = role(stack, "lambda.amazonaws.com", allow(*READS, on=arn))
    source = "exports.handler = async () => ({})"
    mapping = stack.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function(stack, reader, source), StartingPosition="TRIM_HORIZON"
    )["UUID"]

    def result() -> str:
        return stack.client("lambda").get_event_source_mapping(UUID=mapping)["LastProcessingResult"]

    grant(stack, reader, allow(*(set(READS) - {"kinesis:GetRecords"}), on=arn))
    stack.client("kinesis").put_record(StreamName=name, Data=b"{}", PartitionKey="k")
    wait_for("the problem", lambda: f"perform: kinesis:GetRecords on resource: {arn}" in result())
    assert result().startswith("PROBLEM: User: arn:aws:sts::")
    grant(stack, reader, allow(*READS, on=arn))
    wait_for("the record to be taken after all", lambda: result() == "OK")


def test_a_mapping_that_cannot_write_to_its_destination_is_rejected(stack: Stack) -> None:
    _, arn = stream(stack)
    name = function(stack, role(stack, "lambda.amazonaws.com", allow(*READS, on=arn)))
    said = refusal(
        stack.client("lambda").create_event_source_mapping,
        EventSourceArn=arn,
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{stack.bucket()}"}},
    )
    assert "does not have permissions to call ListBucket on S3" in said


# ---- Athena, Glue and logs work with the caller's or the job's role ----


def lake(stack: Stack) -> tuple[str, str, str]:
    """A bucket, a database with a table t of one row, and a workgroup."""
    bucket, database, workgroup = stack.bucket("lake"), unique("db").replace("-", "_"), unique("wg")
    stack.client("s3").put_object(Bucket=bucket, Key="t/one.csv", Body=b"1\n")
    stack.client("athena").create_work_group(
        Name=workgroup, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/results/"}}
    )
    glue = stack.client("glue")
    glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "n", "Type": "int"}]
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {}}
    serde["Parameters"]["field.delim"] = ","
    descriptor = {"Columns": columns, "Location": f"s3://{bucket}/t/", "SerdeInfo": serde}
    descriptor["InputFormat"] = "org.apache.hadoop.mapred.TextInputFormat"
    descriptor["OutputFormat"] = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    table = {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
    glue.create_table(DatabaseName=database, TableInput=table)
    return bucket, database, workgroup


def queried(stack: Stack, rights: list[dict], sql: str, workgroup: str, database: str) -> dict:
    """The end of a query by somebody with these rights."""
    anyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    athena = stack.client_as(role(stack, "", *rights, principal=anyone), "athena")
    query = athena.start_query_execution(
        QueryString=sql, WorkGroup=workgroup, QueryExecutionContext={"Database": database}
    )["QueryExecutionId"]

    def ended() -> dict | None:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return status if status["State"] in ("SUCCEEDED", "FAILED") else None

    return wait_for("the query's end", ended)


@pytest.mark.parametrize(
    ("missing", "resource"),
    [
        ("glue:GetTable", f"glue:us-east-1:{ACCOUNT}:catalog"),
        ("s3:GetObject", "s3:::{bucket}/t/one.csv"),
        ("s3:ListBucket", "s3:::{bucket}"),
    ],
)
def test_athena_reads_with_the_permissions_of_its_caller(stack: Stack, missing: str, resource: str) -> None:
    bucket, database, workgroup = lake(stack)
    named = f"arn:aws:{resource.format(bucket=bucket, database=database)}"
    needed = {
        "athena:StartQueryExecution",
        "athena:GetQueryExecution",
        "athena:GetDataCatalog",
        "glue:GetDatabase",
        "glue:GetTable",
        "s3:GetBucketLocation",
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
    }

    def outcome(actions: set[str]) -> dict:
        return queried(stack, [allow(*actions)], "SELECT n FROM t", workgroup, database)

    assert outcome(needed)["State"] == "SUCCEEDED"
    failed = outcome(needed - {missing})
    assert failed["State"] == "FAILED"
    assert f"not authorized to perform: {missing} on resource: {named} " in failed["StateChangeReason"]


TABLE = ("catalog", "database/d", "table/d/t")


@pytest.mark.parametrize(
    ("call", "arguments", "action", "resources"),
    [
        ("get_database", {"Name": "d"}, "GetDatabase", ("catalog", "database/d")),
        ("create_database", {"DatabaseInput": {"Name": "d"}}, "CreateDatabase", ("catalog", "database/d")),
        ("get_table", {"DatabaseName": "d", "Name": "t"}, "GetTable", TABLE),
        ("update_table", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, "UpdateTable", TABLE),
        ("get_partitions", {"DatabaseName": "d", "TableName": "t"}, "GetPartitions", TABLE),
        ("get_tables", {"DatabaseName": "d"}, "GetTables", ("catalog", "database/d")),
        ("start_crawler", {"Name": "c"}, "StartCrawler", ("crawler/c",)),
        ("get_crawler", {"Name": "c"}, "GetCrawler", ("crawler/c",)),
        ("get_job_runs", {"JobName": "j"}, "GetJobRuns", ("job/j",)),
        ("get_tags", {"ResourceArn": f"arn:aws:glue:us-east-1:{ACCOUNT}:job/j"}, "GetTags", ("job/j",)),
    ],
)
def test_glue_checks_a_request_on_all_that_it_names(
    stack: Stack, call: str, arguments: dict, action: str, resources: tuple[str, ...]
) -> None:
    anyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    own = role(stack, "", principal=anyone)
    glue = stack.client_as(own, "glue")
    arns = [f"arn:aws:glue:us-east-1:{ACCOUNT}:{resource}" for resource in resources]
    for missing in arns:
        others = [arn for arn in arns if arn != missing] or [f"arn:aws:glue:us-east-1:{ACCOUNT}:job/other"]
        grant(stack, own, *(allow(f"glue:{action}", on=arn) for arn in others))
        assert f"not authorized to perform: glue:{action} on resource: {missing} " in refusal(
            getattr(glue, call), **arguments
        )
    grant(stack, own, *(allow(f"glue:{action}", on=arn) for arn in arns))
    try:
        getattr(glue, call)(**arguments)
    except ClientError as answer:
        assert answer.response["Error"]["Code"] == "EntityNotFoundException"


@pytest.mark.parametrize(
    ("form", "first", "second"),
    [
        # The folders of a value, as in the table of the quarantine.
        ("'month='MM'/day='dd'/year='yyyy", "month=11/day=20/year=2026", "month=11/day=21/year=2026"),
        ("yyyy-MM-dd", "2026-11-20", "2026-11-21"),
    ],
)
def test_athena_needs_rights_on_the_projected_partitions_that_it_reads(
    stack: Stack, form: str, first: str, second: str
) -> None:
    bucket, database, workgroup = lake(stack)
    for day in (first, second):
        stack.client("s3").put_object(Bucket=bucket, Key=f"days/{day}/one.csv", Body=b"1\n")
    glue = stack.client("glue")
    table = glue.get_table(DatabaseName=database, Name="t")["Table"]
    parameters = {
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": form,
        "projection.day.range": f"{first},{second}",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
        "storage.location.template": f"s3://{bucket}/days/${{day}}/",
    }
    descriptor = {**table["StorageDescriptor"], "Location": f"s3://{bucket}/days/"}
    changed = {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor, "Parameters": parameters}
    # A table without partitions gets them by an update, as a lake of an older version does.
    keys = [{"Name": "day", "Type": "string"}]
    glue.update_table(DatabaseName=database, TableInput={**changed, "PartitionKeys": keys})
    everything = [
        "athena:*", "glue:GetDatabase", "glue:GetTable", "s3:GetBucketLocation", "s3:ListBucket", "s3:PutObject"
    ]  # fmt: skip
    readable = [f"arn:aws:s3:::{bucket}/{folder}/*" for folder in (f"days/{first}", "results")]
    rights = [allow(*everything), *(allow("s3:GetObject", on=folder) for folder in readable)]

    def outcome(where: str) -> dict:
        return queried(stack, rights, f"SELECT count(*) FROM t{where}", workgroup, database)

    for where in (f" WHERE day = '{first}'", f" WHERE day < '{second}'", f" WHERE day IN ('{first}', 'x')"):
        assert outcome(where)["State"] == "SUCCEEDED", outcome(where)
    for where in ("", f" WHERE day >= '{first}'", f" WHERE day <> '{first}'"):
        failed = outcome(where)
        assert failed["State"] == "FAILED", where
        named = f"arn:aws:s3:::{bucket}/days/{second}/one.csv"
        assert f"not authorized to perform: s3:GetObject on resource: {named} " in failed["StateChangeReason"]


def test_a_job_run_acts_with_the_jobs_role(stack: Stack) -> None:
    bucket = stack.bucket("job")
    script = f"import boto3\nboto3.client('s3').put_object(Bucket='{bucket}', Key='out', Body=b'')\n"
    stack.client("s3").put_object(Bucket=bucket, Key="script.py", Body=script.encode())
    reads = allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/script.py")
    job_role = role(stack, "glue.amazonaws.com")
    job = unique("job")
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/script.py"}
    stack.client("glue").create_job(
        Name=job, Role=job_role, Command=command, DefaultArguments={"--custom-logGroup-prefix": "/own/job"}
    )

    def run() -> dict:
        run_id = stack.client("glue").start_job_run(JobName=job)["JobRunId"]

        def ended() -> dict | None:
            found = stack.client("glue").get_job_run(JobName=job, RunId=run_id)["JobRun"]
            return found if found["JobRunState"] in ("SUCCEEDED", "FAILED") else None

        return wait_for("the run's end", ended, 60)

    assert "perform: s3:GetObject on resource" in run()["ErrorMessage"]
    grant(stack, job_role, reads)
    failed = run()
    assert failed["JobRunState"] == "FAILED"
    assert "AccessDenied" in failed["ErrorMessage"]
    assert (
        f"/GlueJobRunnerSession is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::{bucket}/out"
        in (failed["ErrorMessage"])
    )
    stack.client("logs").create_log_group(logGroupName="/own/job/output")
    logs = allow(
        "logs:CreateLogStream", "logs:PutLogEvents", on=f"arn:aws:logs:*:{ACCOUNT}:log-group:/own/job/output:*"
    )
    grant(stack, job_role, reads, logs)
    failed = run()
    streams = stack.client("logs").describe_log_streams(logGroupName="/own/job/output")["logStreams"]
    assert [each["logStreamName"] for each in streams] == [failed["Id"]], "one with the permission, none without"
    grant(stack, job_role, reads, logs, allow("s3:PutObject", on=f"arn:aws:s3:::{bucket}/out"))
    assert run()["JobRunState"] == "SUCCEEDED"


def test_a_function_that_may_not_write_logs_runs_without_a_log(stack: Stack) -> None:
    silent = function(stack, role(stack, "lambda.amazonaws.com"))
    logging = function(stack, role(stack, "lambda.amazonaws.com", allow("logs:CreateLogStream", "logs:PutLogEvents")))
    for name in (silent, logging):
        assert stack.client("lambda").invoke(FunctionName=name)["StatusCode"] == 200
    groups = [
        group["logGroupName"]
        for name in (silent, logging)
        for group in stack.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    ]
    assert groups == [f"/aws/lambda/{logging}"]


# ---- schedules, bucket policies, the record of decisions ----


def test_a_schedule_starts_only_what_its_role_may_start(stack: Stack) -> None:
    target = machine(
        stack,
        role(stack, "states.amazonaws.com"),
        {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}},
    )
    schedule_role = role(stack, "scheduler.amazonaws.com")
    states = stack.client("stepfunctions")

    def schedule() -> None:
        soon = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        stack.client("scheduler").create_schedule(
            Name=unique("s"),
            ScheduleExpression=f"at({soon})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": target, "RoleArn": schedule_role, "Input": "{}"},
        )

    def denied() -> bool:
        log = (stack.state_dir / "emulator.log").read_text()
        return f"perform: states:StartExecution on resource: {target}" in log

    schedule()
    wait_for("the denial", denied)
    assert states.list_executions(stateMachineArn=target)["executions"] == []
    grant(stack, schedule_role, allow("states:StartExecution", on=target))
    schedule()
    wait_for("the execution", lambda: states.list_executions(stateMachineArn=target)["executions"])


def test_bucket_policies_hold_for_roles_and_see_tls(stack: Stack) -> None:
    anyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    s3 = stack.client_as(role(stack, "", allow("s3:PutObject"), principal=anyone), "s3")
    bucket = stack.bucket("policy")

    def policy(condition: dict) -> None:
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **condition}]})
        stack.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)

    policy({"Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    policy({})
    assert "explicit deny" in refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"")


def test_a_role_reads_the_secret_that_its_policy_names_and_no_other(stack: Stack) -> None:
    secrets = stack.client("secretsmanager")
    own, other = (secrets.create_secret(Name=unique("key"), SecretString="value")["ARN"] for _ in range(2))
    anyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    reader = role(stack, "", allow("secretsmanager:GetSecretValue", on=own), principal=anyone)
    client = stack.client_as(reader, "secretsmanager")
    assert client.get_secret_value(SecretId=own)["SecretString"] == "value"
    assert "secretsmanager:GetSecretValue" in refusal(client.get_secret_value, SecretId=other)
    assert "secretsmanager:PutSecretValue" in refusal(client.put_secret_value, SecretId=own, SecretString="x")


@pytest.mark.parametrize("missing", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_what_a_key_encrypts_needs_the_key(stack: Stack, missing: str) -> None:
    key = stack.client("kms").create_key()["KeyMetadata"]["Arn"]
    bucket = stack.bucket("encrypted")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    stack.client("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{**rule, "BucketKeyEnabled": True}]}
    )
    anyone = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    objects = allow("s3:PutObject", "s3:GetObject", on=f"arn:aws:s3:::{bucket}/*")

    def use(*key_actions: str) -> None:
        grants = [allow(*key_actions, on=key)] if key_actions else []
        s3 = stack.client_as(role(stack, "", objects, *grants, principal=anyone), "s3")
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
        s3.get_object(Bucket=bucket, Key="k")

    use("kms:GenerateDataKey", "kms:Decrypt")
    said = refusal(lambda: use(*({"kms:GenerateDataKey", "kms:Decrypt"} - {missing})))
    assert f"is not authorized to perform: {missing} on resource: {key} because no" in said


def test_decisions_of_role_policies_are_recorded(stack: Stack) -> None:
    name = function(stack, role(stack, "lambda.amazonaws.com"))
    states_role = role(stack, "states.amazonaws.com")
    task = {"Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": name}}
    executed(stack, machine(stack, states_role, task))
    lines = [json.loads(line) for line in (stack.state_dir / "authorizations.jsonl").read_text().splitlines()]
    own = [line for line in lines if f"/{states_role.split('/')[-1]}/" in line["principal"]]
    assert [(line["action"], line["resource"].split(":")[-1], line["decision"]) for line in own] == [
        ("lambda:InvokeFunction", name, "ImplicitDeny")
    ]


def test_the_log_of_decisions_does_not_grow_with_each_invocation(stack: Stack) -> None:
    logs = allow("logs:CreateLogStream", "logs:PutLogEvents", on=f"arn:aws:logs:us-east-1:{ACCOUNT}:*")
    name = function(stack, role(stack, "lambda.amazonaws.com", logs))
    for _ in range(3):
        stack.client("lambda").invoke(FunctionName=name)
    lines = [json.loads(line) for line in (stack.state_dir / "authorizations.jsonl").read_text().splitlines()]
    own = [line["action"] for line in lines if f"/aws/lambda/{name}:log-stream:" in line["resource"]]
    assert own == ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_it_warns_if_permissions_are_not_enforced(tmp_path) -> None:
    lax = start_stack(tmp_path, {"AUTH": "false"})
    try:
        wait_for(
            "the warning", lambda: "permissions are not enforced" in (tmp_path / "emulator.log").read_text() or None
        )
    finally:
        lax.stop()
