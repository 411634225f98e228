"""Glue job runs on the local stack: real processes, with the states, limits and errors that AWS documents."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, start_stack, unique, wait_for

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
SPARK_SECONDS = 90

SPARK_SCRIPT = """
import json, os, sys
import boto3
import helper
from shipped.part import value
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

options = getResolvedOptions(sys.argv, ["JOB_NAME", "JOB_RUN_ID", "bucket", "input-path"])
glue_context = GlueContext(SparkContext.getOrCreate())
spark = glue_context.spark_session
job = Job(glue_context)
job.init(options["JOB_NAME"], options)
out = options["input_path"]
spark.range(100).selectExpr("id", "id % 2 as k").write.mode("append").partitionBy("k").parquet(out)
result = {
    "rows": spark.read.parquet(out).count(),
    "odd": spark.read.parquet(out).where("k = 1").count(),
    "name": options["JOB_NAME"],
    "run": options["JOB_RUN_ID"],
    "helper": helper.VALUE,
    # In the driver, and in a Python worker, which imports the function by its name.
    "zip": [value(1), *spark.sparkContext.parallelize([2]).map(value).collect()],
    "ui": spark.sparkContext.uiWebUrl,
    "zone": spark.conf.get("spark.sql.session.timeZone"),
    "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
    # What bounds the memory of the JVM, which inherits the environment.
    "memory": [spark.sparkContext.getConf().get("spark.driver.memory"), os.environ["MALLOC_ARENA_MAX"]],
}
boto3.client("s3").put_object(Bucket=options["bucket"], Key="result.json", Body=json.dumps(result))
print("rows written")
job.commit()
"""

# Ignores all errors, so that only the end of the JVM shows that this run has failed.
KILLED_JVM_SCRIPT = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("jvm", spark.sparkContext._gateway.proc.pid, flush=True)
try:
    while True:
        spark.range(10).count()
        time.sleep(0.2)
except BaseException:
    pass
"""

# As a Spark worker does, the child leaves the group and session of its parent.
WAITING_SCRIPT = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(300)
"""


@dataclass
class Glue:
    stack: Stack
    bucket: str

    def job(self, script: str, **settings) -> str:
        name = unique("job")
        key = f"scripts/{name}.py"
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=key, Body=textwrap.dedent(script).encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/{key}", "PythonVersion": "3"}
        self.stack.client("glue").create_job(
            **{"Name": name, "Role": "glue-role", "Command": command, "GlueVersion": "5.1", **settings}
        )
        return name

    def start(self, name: str, **settings) -> str:
        return self.stack.client("glue").start_job_run(JobName=name, **settings)["JobRunId"]

    def run(self, name: str, run_id: str) -> dict:
        return self.stack.client("glue").get_job_run(JobName=name, RunId=run_id)["JobRun"]

    def ended(self, name: str, run_id: str, seconds: float = 30) -> dict:
        def probe() -> dict | None:
            run = self.run(name, run_id)
            return run if run["JobRunState"] in ENDED else None

        return wait_for(f"the end of {name}", probe, seconds)

    def log(self, run_id: str, kind: str = "stdout") -> str:
        path = self.stack.state_dir / "glue" / run_id / f"{kind}.log"
        return path.read_text() if path.exists() else ""

    def printed(self, run_id: str, pattern: str, seconds: float = 30) -> re.Match[str]:
        return wait_for(f"{pattern!r} in the log", lambda: re.search(pattern, self.log(run_id)), seconds)


def package() -> bytes:
    """A zip with a package in it that reads a file of its own."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("shipped/__init__.py", "")
        archive.writestr("shipped/data.txt", "data")
        code = "import pkgutil\ndef value(n):\n    return pkgutil.get_data('shipped', 'data.txt').decode(), n\n"
        archive.writestr("shipped/part.py", code)
    return body.getvalue()


@pytest.fixture(scope="module")
def glue(stack: Stack) -> Glue:
    return Glue(stack, stack.bucket("glue"))


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Glue]:
    """A stack on which a minute of a job's Timeout has one second."""
    stack = start_stack(tmp_path_factory.mktemp("hurried"), {"CLICKSTREAM_GLUE_MINUTE_SECONDS": "1"})
    yield Glue(stack, stack.bucket("glue"))
    stack.stop()


def error_code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def test_a_spark_job_writes_and_reads_parquet_on_s3(glue: Glue):
    s3 = glue.stack.client("s3")
    s3.put_object(Bucket=glue.bucket, Key="lib/helper.py", Body=b"VALUE = 42\n")
    s3.put_object(Bucket=glue.bucket, Key="lib/shipped.zip", Body=package())
    name = glue.job(
        SPARK_SCRIPT,
        DefaultArguments={
            "--bucket": glue.bucket,
            "--input-path": "s3://to-be-overridden/",
            "--extra-py-files": f"s3://{glue.bucket}/lib/helper.py, s3://{glue.bucket}/lib/shipped.zip",
            "--conf": "spark.sql.shuffle.partitions=7 --conf spark.executor.memory=99g",
        },
    )
    run_id = glue.start(name, Arguments={"--input-path": f"s3://{glue.bucket}/out/"})
    run = glue.ended(name, run_id, SPARK_SECONDS)

    assert run["JobRunState"] == "SUCCEEDED", glue.log(run_id, "stderr")
    assert "ErrorMessage" not in run
    assert run["CompletedOn"] > run["StartedOn"]
    assert run["Attempt"] == 0
    assert run_id.startswith("jr_")
    expected = {"rows": 100, "odd": 50, "name": name, "run": run_id, "helper": 42}
    expected |= {"zip": [["data", 1], ["data", 2]], "ui": None, "zone": "UTC", "partitions": "7"}
    expected |= {"memory": ["1g", "2"]}
    result = s3.get_object(Bucket=glue.bucket, Key="result.json")["Body"].read()
    assert json.loads(result) == expected
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=glue.bucket, Prefix="out/")["Contents"]]
    assert all(re.fullmatch(r"out/k=[01]/part-.*\.parquet", key) for key in keys), keys
    logs = glue.stack.client("logs").get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run_id)
    assert [event["message"] for event in logs["events"]] == ["rows written"]
    assert "spark.executor.memory" in (glue.stack.state_dir / "emulator.log").read_text()
    assert not (glue.stack.state_dir / "tmp" / "glue" / run_id).exists()


def test_a_run_whose_jvm_is_killed_fails_even_if_the_script_ignores_it(glue: Glue):
    name = glue.job(KILLED_JVM_SCRIPT)
    run_id = glue.start(name)
    os.kill(int(glue.printed(run_id, r"jvm (\d+)", SPARK_SECONDS)[1]), signal.SIGKILL)
    run = glue.ended(name, run_id, SPARK_SECONDS)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "the Spark JVM was killed by SIGKILL")


def test_a_script_that_raises_is_failed_with_the_exception(glue: Glue):
    name = glue.job("raise ValueError('no events in 2026')")
    run_id = glue.start(name)
    run = glue.ended(name, run_id)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "ValueError: no events in 2026")
    assert "Traceback" in glue.log(run_id, "stdout")
    assert "spark_runner" not in glue.log(run_id, "stdout")
    logs = glue.stack.client("logs").get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run_id)
    assert "ValueError: no events in 2026" in [event["message"] for event in logs["events"]]


def test_a_script_that_exits_with_a_code_is_failed_and_with_none_succeeded(glue: Glue):
    failed, succeeded = glue.job("import sys; sys.exit(3)"), glue.job("import sys; sys.exit()")
    runs = [(name, glue.start(name)) for name in (failed, succeeded)]
    first, second = (glue.ended(*run) for run in runs)
    assert (first["JobRunState"], first["ErrorMessage"]) == ("FAILED", "SystemExit: 3")
    assert second["JobRunState"] == "SUCCEEDED"


def test_a_killed_driver_is_failed(glue: Glue):
    name = glue.job("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    run = glue.ended(name, glue.start(name))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The driver process was killed by SIGKILL."


def test_a_missing_script_is_failed_with_its_location(glue: Glue):
    name = glue.job("", Command={"Name": "glueetl", "ScriptLocation": f"s3://{glue.bucket}/nowhere.py"})
    run = glue.ended(name, glue.start(name))
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == f"The object s3://{glue.bucket}/nowhere.py does not exist."


def test_a_missing_library_is_failed_with_its_location(glue: Glue):
    name = glue.job("print('started')", DefaultArguments={"--extra-py-files": f"s3://{glue.bucket}/nowhere.zip"})
    run_id = glue.start(name)
    run = glue.ended(name, run_id)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == f"The object s3://{glue.bucket}/nowhere.zip does not exist."
    assert glue.log(run_id) == ""


def test_a_missing_argument_is_failed_with_its_name(glue: Glue):
    name = glue.job(
        "import sys; from awsglue.utils import getResolvedOptions; getResolvedOptions(sys.argv, ['raw_path'])"
    )
    run = glue.ended(name, glue.start(name))
    assert run["ErrorMessage"] == "GlueArgumentError: the following arguments are required: --raw_path"


def test_missing_parts_of_awsglue_raise_a_clear_error(glue: Glue):
    name = glue.job("from awsglue.context import GlueContext; GlueContext(None).create_dynamic_frame")
    run = glue.ended(name, glue.start(name))
    assert run["ErrorMessage"].startswith(
        "AttributeError: awsglue.context.GlueContext.create_dynamic_frame is not part of the local stand-in"
    )


def test_stopping_a_run_ends_its_processes_before_it_answers(glue: Glue):
    name = glue.job(WAITING_SCRIPT)
    run_id = glue.start(name)
    pids = [int(pid) for pid in glue.printed(run_id, r"pids (\d+) (\d+)").groups()]
    assert all(is_running(pid) for pid in pids)
    answer = glue.stack.client("glue").batch_stop_job_run(JobName=name, JobRunIds=[run_id, "jr_unknown"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": name, "JobRunId": run_id}]
    assert [error["ErrorDetail"]["ErrorCode"] for error in answer["Errors"]] == ["EntityNotFoundException"]
    assert not any(is_running(pid) for pid in pids)
    assert glue.run(name, run_id)["JobRunState"] == "STOPPED"


def test_the_job_limits_its_concurrent_runs(glue: Glue):
    name = glue.job(WAITING_SCRIPT, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [glue.start(name), glue.start(name)]
    with pytest.raises(ClientError) as caught:
        glue.start(name)
    assert error_code(caught) == "ConcurrentRunsExceededException"
    glue.stack.client("glue").batch_stop_job_run(JobName=name, JobRunIds=runs)
    third = glue.start(name)
    glue.stack.client("glue").batch_stop_job_run(JobName=name, JobRunIds=[third])


def test_a_failed_run_is_tried_again_as_often_as_the_job_says(glue: Glue):
    name = glue.job("raise RuntimeError('again')", MaxRetries=1)
    first = glue.start(name)
    glue.ended(name, first)
    glue.ended(name, f"{first}_attempt_1")
    runs = glue.stack.client("glue").get_job_runs(JobName=name)["JobRuns"]
    assert [(run["Id"], run["Attempt"], run.get("PreviousRunId")) for run in runs] == [
        (f"{first}_attempt_1", 1, first),
        (first, 0, None),
    ]


def test_runs_are_listed_newest_first_in_pages(glue: Glue):
    name = glue.job("pass")
    ids = []
    for _ in range(3):
        ids.append(glue.start(name))
        glue.ended(name, ids[-1])
    client = glue.stack.client("glue")
    first = client.get_job_runs(JobName=name, MaxResults=2)
    second = client.get_job_runs(JobName=name, MaxResults=2, NextToken=first["NextToken"])
    assert [run["Id"] for run in first["JobRuns"] + second["JobRuns"]] == ids[::-1]
    assert "NextToken" not in second


def test_arguments_of_the_run_replace_defaults_but_not_what_may_not_be_overridden(glue: Glue):
    name = glue.job(
        "import json, sys; print(json.dumps(sys.argv[1:]))",
        DefaultArguments={"--a": "default", "--b": "default"},
        NonOverridableArguments={"--c": "fixed"},
    )
    run_id = glue.start(name, Arguments={"--b": "run", "--c": "run"})
    assert glue.ended(name, run_id)["JobRunState"] == "SUCCEEDED"
    arguments = json.loads(glue.log(run_id))
    assert dict(zip(arguments[::2], arguments[1::2], strict=True)) == {
        "--a": "default",
        "--b": "run",
        "--c": "fixed",
        "--JOB_NAME": name,
        "--JOB_RUN_ID": run_id,
    }


def test_unknown_jobs_and_runs_are_not_found(glue: Glue):
    client, name = glue.stack.client("glue"), glue.job("pass")
    for call in (
        lambda: client.start_job_run(JobName="none"),
        lambda: client.get_job_run(JobName=name, RunId="jr_none"),
        lambda: client.get_job_runs(JobName="none"),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        assert error_code(caught) == "EntityNotFoundException"


def test_a_job_that_is_not_spark_is_refused(glue: Glue):
    with pytest.raises(ClientError, match="Spark jobs") as caught:
        glue.job("", Command={"Name": "pythonshell", "ScriptLocation": "s3://bucket/script.py"})
    assert error_code(caught) == "InvalidInputException"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ExecutionClass": "FLEX", "WorkerType": "G.4X", "NumberOfWorkers": 2}, "FLEX needs WorkerType G.1X or G.2X"),
        ({"ExecutionClass": "FLEX", "GlueVersion": "2.0"}, "FLEX needs GlueVersion 3.0 or later, got 2.0"),
        ({"ExecutionClass": "SPOT"}, "must be one of STANDARD, FLEX, got 'SPOT'"),
    ],
)
def test_an_execution_class_that_glue_refuses_is_refused(glue: Glue, fields: dict, message: str):
    with pytest.raises(ClientError, match=message) as caught:
        glue.job("pass", **fields)
    assert error_code(caught) == "InvalidInputException"


def test_a_run_cannot_ask_for_flex_with_a_worker_type_that_flex_lacks(glue: Glue):
    name = glue.job("pass", WorkerType="G.8X", NumberOfWorkers=2)
    with pytest.raises(ClientError, match=r"FLEX needs WorkerType G\.1X or G\.2X, got G\.8X") as caught:
        glue.start(name, ExecutionClass="FLEX")
    assert error_code(caught) == "InvalidInputException"


def test_a_flex_run_says_so_and_that_it_keeps_its_capacity_here(glue: Glue):
    name = glue.job("pass", WorkerType="G.2X", NumberOfWorkers=2, ExecutionClass="FLEX")
    run = glue.ended(name, glue.start(name))
    assert (run["JobRunState"], run["ExecutionClass"]) == ("SUCCEEDED", "FLEX")
    log = (glue.stack.state_dir / "emulator.log").read_text()
    assert f"Glue job {name}: ignored by the local stack: NumberOfWorkers, WorkerType, ExecutionClass FLEX (" in log


def test_ignored_settings_are_named_once(glue: Glue):
    name = glue.job("pass", WorkerType="G.1X", NumberOfWorkers=2, DefaultArguments={"--enable-metrics": "true"})
    for _ in range(2):
        glue.ended(name, glue.start(name))
    log = (glue.stack.state_dir / "emulator.log").read_text()
    about = [line.split("local stack: ")[1] for line in log.splitlines() if f"Glue job {name}: ignored" in line]
    assert about == ["NumberOfWorkers, WorkerType", "--enable-metrics"]


def test_a_run_over_its_timeout_is_ended(hurried: Glue):
    name = hurried.job(WAITING_SCRIPT, Timeout=2)
    run_id = hurried.start(name)
    pids = [int(pid) for pid in hurried.printed(run_id, r"pids (\d+) (\d+)").groups()]
    run = hurried.ended(name, run_id)
    assert run["JobRunState"] == "TIMEOUT"
    assert run["ErrorMessage"] == "The job run exceeded its timeout of 2 minutes."
    assert not any(is_running(pid) for pid in pids)


def test_no_process_of_a_run_outlives_the_emulator(hurried: Glue):
    name = hurried.job(WAITING_SCRIPT, Timeout=300)
    pids = [int(pid) for pid in hurried.printed(hurried.start(name), r"pids (\d+) (\d+)").groups()]
    hurried.stack.process.kill()
    wait_for("the end of all processes", lambda: not any(is_running(pid) for pid in pids))
