"""Executions on the local stack: waiting, ends, timeouts, retries and JSONata as on AWS."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, unique, wait_for

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
ROLE = "arn:aws:iam::000000000000:role/states"


class Machines:
    def __init__(self, stack: Stack):
        self.stack, self.states = stack, stack.client("stepfunctions")
        self.bucket = stack.bucket("states")

    def start(self, states: dict, given: object = None, **definition) -> str:
        body = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **definition}
        machine = self.states.create_state_machine(name=unique("m"), definition=json.dumps(body), roleArn=ROLE)
        return self.states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given or {}))[
            "executionArn"
        ]

    def ended(self, arn: str, seconds: float = 20) -> dict:
        def probe() -> dict | None:
            found = self.states.describe_execution(executionArn=arn)
            return found if found["status"] in ENDED else None

        return wait_for("the end of the execution", probe, seconds)

    def run(self, states: dict, given: object = None, **definition) -> dict:
        return self.ended(self.start(states, given, **definition))

    def output(self, states: dict, given: object = None, **definition) -> Any:
        execution = self.run(states, given, **definition)
        assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
        return json.loads(execution["output"])

    def events(self, arn: str) -> list[dict]:
        return self.states.get_execution_history(executionArn=arn)["events"]

    def job(self, script: str, **settings) -> str:
        name = unique("job")
        self.stack.client("s3").put_object(Bucket=self.bucket, Key=f"{name}.py", Body=script.encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/{name}.py"}
        self.stack.client("glue").create_job(Name=name, Role="r", Command=command, **settings)
        return name

    def job_states(self, name: str) -> list[str]:
        runs = self.stack.client("glue").get_job_runs(JobName=name)["JobRuns"]
        return [run["JobRunState"] for run in runs]


@pytest.fixture(scope="module")
def machines(stack: Stack) -> Machines:
    return Machines(stack)


def glue_task(name: str, pattern: str = ".sync", **fields) -> dict:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::glue:startJobRun{pattern}",
        "Arguments": {"JobName": name},
        "End": True,
        **fields,
    }


def lambda_task(name: str, **fields) -> dict:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
        **fields,
    }


CAUGHT = {"Type": "Pass", "End": True}
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]


def test_a_sync_task_waits_for_the_job_and_returns_its_run(machines: Machines):
    name = machines.job("import time; time.sleep(1)")
    before = time.time() * 1000
    arn = machines.start({"Run": glue_task(name)})
    run = json.loads(machines.ended(arn)["output"])
    assert (run["JobName"], run["JobRunState"], run["Attempt"]) == (name, "SUCCEEDED", 0)
    assert before < run["StartedOn"] + 1000 <= run["CompletedOn"]
    tasks = [event for event in machines.events(arn) if re.match("Task(?!State)", event["type"])]
    kinds = ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert [event["type"] for event in tasks] == kinds
    assert json.loads(tasks[2]["taskSubmittedEventDetails"]["output"]) == {"JobRunId": run["Id"]}
    assert tasks[0]["taskScheduledEventDetails"]["resource"] == "startJobRun.sync"


def test_without_sync_the_task_only_starts_the_job(machines: Machines):
    name = machines.job("import time; time.sleep(2)")
    output = machines.output({"Run": glue_task(name, "")})
    assert list(output) == ["JobRunId"]
    assert machines.job_states(name)[0] in ("STARTING", "RUNNING")


def test_a_failed_job_fails_the_task_with_the_run_as_cause(machines: Machines):
    execution = machines.run({"Run": glue_task(machines.job("raise ValueError('boom')"))})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(execution["cause"])
    assert (cause["JobRunState"], cause["ErrorMessage"]) == ("FAILED", "ValueError: boom")


def test_errors_of_the_glue_api_have_its_names(machines: Machines):
    execution = machines.run({"Run": glue_task("no-such-job")})
    assert execution["error"] == "Glue.EntityNotFoundException"
    name = machines.job("import time; time.sleep(30)")
    first = machines.start({"Run": glue_task(name)})
    wait_for("the first run", lambda: machines.job_states(name))
    assert machines.run({"Run": glue_task(name)})["error"] == "Glue.ConcurrentRunsExceededException"
    machines.states.stop_execution(executionArn=first)


def test_an_abort_stops_the_job_and_stays_an_abort(machines: Machines):
    name = machines.job("import time; time.sleep(60)")
    arn = machines.start({"Run": glue_task(name, Catch=CATCH_ALL, Next="Caught", End=False), "Caught": CAUGHT})
    wait_for("the run", lambda: "RUNNING" in machines.job_states(name))
    machines.states.stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    wait_for("the end of the job", lambda: machines.job_states(name) == ["STOPPED"])
    execution = machines.ended(arn)
    assert (execution["status"], execution["error"], execution["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert machines.events(arn)[-1]["type"] == "ExecutionAborted"


def test_a_task_over_its_timeout_stops_the_job_and_is_caught(machines: Machines):
    name = machines.job("import time; time.sleep(60)")
    task = glue_task(name, TimeoutSeconds="{% 1 + 1 %}", Catch=CATCH_ALL)
    assert machines.output({"Run": task, "Caught": CAUGHT})["Error"] == "States.Timeout"
    assert machines.job_states(name) == ["STOPPED"]


def test_an_execution_over_its_timeout_is_timed_out_and_stops_the_job(machines: Machines):
    name = machines.job("import time; time.sleep(60)")
    arn = machines.start({"Run": glue_task(name, Catch=CATCH_ALL), "Caught": CAUGHT}, TimeoutSeconds=2)
    assert machines.ended(arn)["status"] == "TIMED_OUT"
    wait_for("the end of the job", lambda: machines.job_states(name) == ["STOPPED"])
    assert machines.events(arn)[-1]["type"] == "ExecutionTimedOut"


def test_a_wait_ends_with_the_execution(machines: Machines):
    arn = machines.start({"Wait": {"Type": "Wait", "Seconds": "{% 600 %}", "End": True}}, TimeoutSeconds=1)
    assert machines.ended(arn)["status"] == "TIMED_OUT"


def test_a_lambda_error_has_the_class_that_was_thrown(machines: Machines):
    source = """
    class InvalidInput extends Error { constructor(m) { super(m); this.name = "InvalidInput"; } }
    exports.handler = async (event) => { throw new InvalidInput(`events must be 1, got ${event.n}`); };
    """
    name = machines.stack.node_function(source)
    caught = [{"ErrorEquals": ["InvalidInput"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    output = machines.output({"Call": lambda_task(name, Catch=caught), "Caught": CAUGHT}, {"n": 0})
    cause = json.loads(output["Cause"])
    assert output["Error"] == "InvalidInput"
    assert (cause["errorType"], cause["errorMessage"]) == ("InvalidInput", "events must be 1, got 0")
    assert isinstance(cause["trace"], list)


def test_a_lambda_gets_its_payload_and_an_empty_object_without(machines: Machines):
    name = machines.stack.node_function("exports.handler = async (event) => ({ got: event });")
    assert machines.output({"Call": lambda_task(name)}, {"a": [1]}) == {"got": {"a": [1]}}
    assert machines.output({"Call": lambda_task(name, Arguments={"FunctionName": name})}) == {"got": {}}


@pytest.mark.parametrize(("attempts", "calls"), [(2, 3), (0, 1)])
def test_retries_are_as_many_as_allowed_and_no_slower_than_the_cap(machines: Machines, attempts: int, calls: int):
    retry = {"ErrorEquals": ["Glue.EntityNotFoundException"], "MaxAttempts": attempts, "IntervalSeconds": 1}
    retry |= {"BackoffRate": 10, "MaxDelaySeconds": 2}
    started = time.monotonic()
    arn = machines.start({"Run": glue_task("no-such-job", Retry=[retry])})
    assert machines.ended(arn)["status"] == "FAILED"
    scheduled = [event for event in machines.events(arn) if event["type"] == "TaskScheduled"]
    assert len(scheduled) == calls
    waited = time.monotonic() - started
    assert (waited >= 3) == (attempts == 2)  # 1 s, then 2 s where it would have been 10
    assert waited < 9


def test_full_jitter_waits_no_longer_than_without(machines: Machines):
    retry = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1, "JitterStrategy": "FULL"}
    assert machines.run({"Run": glue_task("no-such-job", Retry=[retry])})["status"] == "FAILED"


def test_an_object_is_read_as_text(machines: Machines):
    machines.stack.client("s3").put_object(
        Bucket=machines.bucket, Key="runs/a b.json", Body=b'{"n": 1, "s": "\xc3\xa9"}'
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": machines.bucket, "Key": "{% $states.input.key %}"},
        "Output": "{% $parse($states.result.Body) %}",
        "Catch": CATCH_ALL,
        "End": True,
    }
    states = {"Read": task, "Caught": CAUGHT}
    assert machines.output(states, {"key": "runs/a b.json"}) == {"n": 1, "s": "é"}
    assert machines.output(states, {"key": "runs/none.json"})["Error"] == "S3.NoSuchKeyException"


def test_a_metric_is_recorded_with_its_dimensions_and_one_that_cloudwatch_refuses_is_not(machines: Machines):
    namespace = unique("Shop")
    dimensions = [{"Name": "Stack", "Value": "shop-dev"}]
    datum = {"MetricName": "RowsCurated", "Unit": "Count", "Value": "{% 2 + 3 %}", "Dimensions": dimensions}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:cloudwatch:putMetricData",
        "Arguments": {"Namespace": namespace, "MetricData": [datum]},
        "Catch": CATCH_ALL,
        "End": True,
    }
    machines.run({"Record": task, "Caught": CAUGHT})
    found = machines.stack.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName="RowsCurated",
        Dimensions=dimensions,
        StartTime=time.time() - 600,
        EndTime=time.time() + 600,
        Period=3600,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in found["Datapoints"]] == [5]
    datum["Value"] = "five"
    refused = machines.output({"Record": task, "Caught": CAUGHT})
    assert refused["Error"] == "CloudWatch.InvalidParameterValueException"
    assert "RowsCurated must be a number" in refused["Cause"]


def test_a_result_over_the_limit_is_an_error(machines: Machines):
    machines.stack.client("s3").put_object(Bucket=machines.bucket, Key="big", Body=b"x" * 300_000)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": machines.bucket, "Key": "big"},
        "Output": "{% $length($states.result.Body) %}",
        "Catch": CATCH_ALL,
        "End": True,
    }
    execution = machines.run({"Read": task, "Caught": CAUGHT})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.DataLimitExceeded")
    task["Catch"] = [CATCH_ALL[0] | {"ErrorEquals": ["States.DataLimitExceeded"]}, *CATCH_ALL]
    assert machines.output({"Read": task, "Caught": CAUGHT})["Error"] == "States.DataLimitExceeded"


def test_arguments_and_variables_have_the_limit_too(machines: Machines):
    doubled = "{% $states.input.text & $states.input.text %}"
    given = {"text": "x" * 140_000}
    keep = {"Type": "Pass", "Assign": {"kept": doubled}, "Output": {}, "End": True}
    kept = machines.run({"Keep": keep}, given)
    assert (kept["status"], kept["error"]) == ("FAILED", "States.DataLimitExceeded")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": doubled},
        "Catch": [CATCH_ALL[0] | {"ErrorEquals": ["States.DataLimitExceeded"]}],
        "End": True,
    }
    assert machines.output({"Tell": task, "Caught": CAUGHT}, given)["Error"] == "States.DataLimitExceeded"


def test_publishing_to_a_topic_that_does_not_exist_has_its_error(machines: Machines):
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": "m"},
        "End": True,
    }
    assert machines.run({"Tell": task})["error"] == "SNS.NotFoundException"
    topic = machines.stack.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    task["Arguments"]["TopicArn"] = topic
    assert re.fullmatch(r"[0-9a-f-]{36}", machines.output({"Tell": task})["MessageId"])


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::glue:startCrawler",
        "arn:aws:states:::sns:publish.sync",
        "arn:aws:states:::athena:getQueryResults.sync",
        "arn:aws:nothing",
    ],
)
def test_a_resource_that_is_not_supported_fails_and_is_named(machines: Machines, resource: str):
    execution = machines.run({"Do": {"Type": "Task", "Resource": resource, "End": True}})
    assert execution["status"] == "FAILED"
    assert resource.removesuffix(".sync") in execution["cause"]


def test_jsonata_fields_of_the_states_without_a_task(machines: Machines):
    states = {
        "Set": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Swap"},
        "Swap": {"Type": "Pass", "Assign": {"n": "{% $n + 1 %}", "before": "{% $n %}"}, "Next": "Choose"},
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $n > 5 %}", "Next": "Wrong"}],
            "Output": {"n": "{% $n %}", "before": "{% $before %}"},
            "Default": "Both",
        },
        "Wrong": {"Type": "Fail", "Error": "Wrong"},
        "Both": {
            "Type": "Parallel",
            "Arguments": {"m": "{% $states.input.n * 10 %}"},
            "Branches": [
                {
                    "StartAt": "A",
                    "States": {"A": {"Type": "Pass", "Output": "{% $states.input.m %}", "End": True}},
                },
                {"StartAt": "B", "States": {"B": {"Type": "Pass", "Output": "{% $before %}", "End": True}}},
            ],
            "Output": {"sum": "{% $sum($states.result) %}", "name": "{% $states.context.Execution.Name %}"},
            "Next": "Done",
        },
        "Done": {
            "Type": "Succeed",
            "Output": {"sum": "{% $states.input.sum %}", "named": "{% $states.input.name != '' %}"},
        },
    }
    assert machines.output(states) == {"sum": 21, "named": True}


def test_a_failing_branch_ends_the_others(machines: Machines):
    slow = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}}}
    bad = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
    both = {"Type": "Parallel", "Branches": [slow, bad], "Catch": CATCH_ALL, "End": True}
    output = machines.output({"Both": both, "Caught": CAUGHT})
    assert output == {"Error": "Broken", "Cause": "on purpose"}


def test_a_time_is_read_the_same_by_every_version_of_python(machines: Machines):
    times = {
        "2026-11-26T10:38:47.082Z": 1795689527082,
        "2026-11-26T10:38:47Z": 1795689527000,
        "2026-11-26T10:38:47.5+01:00": 1795685927500,
        "2026-11-26T10:38:47.123456789Z": 1795689527123,
    }
    for written, millis in times.items():
        state = {"Type": "Pass", "Output": f"{{% $toMillis('{written}') %}}", "End": True}
        assert machines.run({"T": state})["output"] == str(millis), written
    refused = {"Type": "Pass", "Output": "{% $toMillis('2026-11-26T25:00:00Z') %}", "End": True}
    assert 'Given "2026-11-26T25:00:00Z"' in machines.run({"T": refused})["cause"]


def test_a_condition_that_is_no_boolean_and_eval_are_errors(machines: Machines):
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "End"}], "Default": "End"}
    assert machines.run({"C": choice, "End": {"Type": "Succeed"}})["error"] == "States.QueryEvaluationError"
    evaluated = {"Type": "Pass", "Output": "{% $eval('1') %}", "End": True}
    assert machines.run({"E": evaluated})["error"] == "States.QueryEvaluationError"


def athena_task(machines: Machines, sql: str, pattern: str = ".sync", **fields) -> dict:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::athena:startQueryExecution{pattern}",
        "Arguments": {
            "QueryString": sql,
            "WorkGroup": "primary",
            "ResultConfiguration": {"OutputLocation": f"s3://{machines.bucket}/results/"},
        },
        "End": True,
        **fields,
    }


def test_a_sync_query_is_waited_for_and_its_rows_can_be_read(machines: Machines):
    query = athena_task(
        machines,
        "SELECT 40 + 2 AS answer",
        Output="{% $states.result.QueryExecution %}",
        Next="Rows",
        End=False,
    )
    rows = {
        "Type": "Task",
        "Resource": "arn:aws:states:::athena:getQueryResults",
        "Arguments": {"QueryExecutionId": "{% $states.input.QueryExecutionId %}"},
        "Output": {
            "state": "{% $states.input.Status.State %}",
            "milliseconds": "{% $states.input.Status.SubmissionDateTime > 1000000000000 %}",
            "rows": "{% $states.result.ResultSet.Rows.[Data.VarCharValue] %}",
        },
        "End": True,
    }
    expected = {"state": "SUCCEEDED", "milliseconds": True, "rows": [["answer"], ["42"]]}
    assert machines.output({"Query": query, "Rows": rows}) == expected


def test_a_query_that_fails_fails_the_task_with_the_reason(machines: Machines):
    execution = machines.run({"Query": athena_task(machines, "SELECT nothing FROM nowhere")})
    assert (execution["status"], execution["error"]) == ("FAILED", "States.TaskFailed")
    status = json.loads(execution["cause"])["QueryExecution"]["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"]


def test_a_stopped_execution_keeps_its_status(machines: Machines):
    arn = machines.start({"Wait": {"Type": "Wait", "Seconds": 600, "End": True}})
    machines.states.stop_execution(executionArn=arn)
    assert machines.ended(arn)["status"] == "ABORTED"
    done = machines.start({"Pass": {"Type": "Pass", "End": True}})
    machines.ended(done)
    with pytest.raises(ClientError):
        machines.states.stop_execution(executionArn=done)
