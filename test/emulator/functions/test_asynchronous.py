"""Asynchronous invocations on the running emulator: retries, maximum age, dead-letter queues and destinations.

Expectations are from the AWS Lambda developer guide ("How Lambda handles errors and retries with asynchronous
invocation", "Capturing records of Lambda asynchronous invocations") and the reference of PutFunctionEventInvokeConfig.
"""

from __future__ import annotations

import functools
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from emulator_stack import Stack, start_stack, unique, zipped
from emulator_stack import wait_for as wait_up_to

# A minute of Lambda's waits takes this long in these tests.
MINUTE = 0.6
ACCOUNT = "000000000000"
# A loaded machine takes long to start a function's first process.
PATIENCE = 60.0
wait_for = functools.partial(wait_up_to, timeout_seconds=PATIENCE)
FUNCTION = """
const fs = require("node:fs");
exports.handler = async (event, context) => {
  const note = (what) => fs.appendFileSync(process.env.LOG, JSON.stringify({
    what, event, at: Date.now(), request: context.awsRequestId, process: process.pid }) + "\\n");
  note("began");
  while (event.until && !fs.existsSync(event.until)) await new Promise((done) => setTimeout(done, 20));
  note("ended");
  if (event.fail) throw new TypeError(`no ${event.fail}`);
  return { took: event };
};
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = {"AUTH": "true", "CLICKSTREAM_LAMBDA_MINUTE_SECONDS": str(MINUTE)}
    running = start_stack(tmp_path_factory.mktemp("asynchronous"), settings)
    try:
        yield running
    finally:
        running.stop()


class Function:
    """A function that logs its invocations, with a role that may do what is given, and a queue."""

    def __init__(self, stack: Stack, folder: Path, *statements: dict, queue: str = "queue", **settings) -> None:
        self.stack, self.lambda_, self.sqs = stack, stack.client("lambda"), stack.client("sqs")
        self.log = folder / f"{unique('log')}.jsonl"
        self.queue = self.sqs.create_queue(QueueName=unique(queue))["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{self.queue.split('/')[-1]}"
        self.role = make_role(stack, *(statements or [allow("sqs:SendMessage", on=self.queue_arn)]))
        self.name = unique("function")
        self.arn = self.lambda_.create_function(
            FunctionName=self.name,
            Runtime="nodejs24.x",
            Role=self.role,
            Handler="index.handler",
            Timeout=10,
            Code={"ZipFile": zipped({"index.js": FUNCTION})},
            Environment={"Variables": {"LOG": str(self.log)}},
            **settings,
        )["FunctionArn"]

    def configure(self, **settings) -> dict:
        return self.lambda_.put_function_event_invoke_config(FunctionName=self.name, **settings)

    def send(self, event: object) -> None:
        answer = self.lambda_.invoke(FunctionName=self.name, InvocationType="Event", Payload=json.dumps(event).encode())
        assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")

    def notes(self, what: str = "began") -> list[dict]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [note for note in map(json.loads, lines) if note["what"] == what]

    def message(self) -> dict:
        """The next message of the queue, which is deleted."""

        def received() -> dict | None:
            found = self.sqs.receive_message(QueueUrl=self.queue, MessageAttributeNames=["All"]).get("Messages")
            return found[0] if found else None

        message = wait_for("a message", received)
        self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return message

    def messages(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


def allow(*actions: str, on: str = "*") -> dict:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def make_role(stack: Stack, *statements: dict) -> str:
    name = unique("role")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    iam = stack.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
    return role["Role"]["Arn"]


def on_failure(arn: str) -> dict:
    return {"OnFailure": {"Destination": arn}}


def refusal(call, **arguments) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def metric(stack: Stack, name: str, function: str) -> float:
    found = stack.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=7200,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def test_an_event_is_answered_at_once_and_then_run(stack, tmp_path):
    function, gate = Function(stack, tmp_path), tmp_path / "gate"
    function.send({"until": str(gate)})
    wait_for("the function", function.notes)
    assert function.notes("ended") == []
    gate.touch()
    wait_for("the function's end", lambda: function.notes("ended"))
    assert len(function.notes()) == 1
    wait_for("the metric", lambda: metric(stack, "Invocations", function.name) == 1)


def test_a_failing_event_is_tried_three_times_and_goes_to_the_dead_letter_queue_as_it_came(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.lambda_.update_function_configuration(
        FunctionName=function.name, DeadLetterConfig={"TargetArn": function.queue_arn}
    )
    event = {"fail": "luck", "key": "raw/a b.gz"}
    function.send(event)
    message = function.message()
    request = function.notes()[0]["request"]
    assert json.loads(message["Body"]) == event
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": request, "ErrorCode": "200", "ErrorMessage": "no luck"}
    notes = function.notes()
    # A minute, then two; and the request keeps its id.
    waits = [(later["at"] - earlier["at"]) / 1000 / MINUTE for earlier, later in itertools.pairwise(notes)]
    assert [note["request"] for note in notes] == [request] * 3
    assert waits[0] >= 1 and waits[1] >= 2, waits
    assert metric(stack, "Errors", function.name) == 3
    assert metric(stack, "AsyncEventsDropped", function.name) == 1


def test_the_on_failure_destination_gets_the_record_with_what_was_asked_and_answered(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.configure(MaximumRetryAttempts=1, DestinationConfig=on_failure(function.queue_arn))
    event = {"fail": "disk", "Records": [{"s3": {"object": {"key": "raw/a+b.gz"}}}]}
    function.send(event)
    record = json.loads(function.message()["Body"])
    request = function.notes()[0]["request"]
    assert record.pop("timestamp").endswith("Z")
    response = record.pop("responsePayload")
    assert response["errorMessage"] == "no disk"
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }
    assert len(function.notes()) == 2


def test_the_on_success_destination_gets_the_answer(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.configure(DestinationConfig={"OnSuccess": {"Destination": function.queue_arn}})
    function.send({"n": 1})
    record = json.loads(function.message()["Body"])
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responsePayload"] == {"took": {"n": 1}}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_an_event_that_is_too_old_is_given_up_before_its_retries_are_used(stack, tmp_path):
    function = Function(stack, tmp_path)
    # A minute of age: the second attempt would come after it.
    function.configure(MaximumEventAgeInSeconds=60, DestinationConfig=on_failure(function.queue_arn))
    function.send({"fail": "time"})
    context = json.loads(function.message()["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert len(function.notes()) == 1


def test_a_throttled_event_waits_without_using_its_retries(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.configure(MaximumRetryAttempts=0, DestinationConfig=on_failure(function.queue_arn))
    function.lambda_.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    # A synchronous invocation takes the function's only concurrency.
    gate = tmp_path / "gate"
    payload = json.dumps({"until": str(gate)}).encode()
    busy = threading.Thread(target=function.lambda_.invoke, kwargs={"FunctionName": function.name, "Payload": payload})
    busy.start()
    wait_for("the synchronous invocation", function.notes)
    for number in range(5):
        function.send({"number": number})
    wait_for("a throttle", lambda: metric(stack, "Throttles", function.name) >= 2)
    assert len(function.notes()) == 1
    gate.touch()
    busy.join()
    wait_for("all events", lambda: len(function.notes("ended")) == 6)
    assert sorted(note["event"].get("number", -1) for note in function.notes()) == [-1, 0, 1, 2, 3, 4]
    assert function.messages() == 0
    # One at a time.
    began, ended = function.notes(), function.notes("ended")
    assert all(later["at"] >= earlier["at"] for later, earlier in zip(began[1:], ended[:-1], strict=True))


def test_a_function_without_concurrency_gives_its_events_up_at_once(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.configure(DestinationConfig=on_failure(function.queue_arn))
    function.lambda_.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    function.send({"n": 1})
    record = json.loads(function.message()["Body"])
    assert record["requestPayload"] == {"n": 1}
    assert (record["requestContext"]["approximateInvokeCount"], record["responsePayload"]) == (0, None)
    assert function.notes() == []


def test_a_burst_of_events_waits_in_the_queue_and_runs_in_four_processes(stack, tmp_path):
    function, gate = Function(stack, tmp_path), tmp_path / "gate"
    for number in range(40):
        function.send({"number": number, "until": str(gate)})
    wait_for("as many as run together", lambda: len(function.notes()) == 4)
    time.sleep(0.3)
    assert len(function.notes()) == 4
    gate.touch()
    wait_for("all events", lambda: len(function.notes("ended")) == 40)
    notes = function.notes()
    assert sorted(note["event"]["number"] for note in notes) == list(range(40))
    assert len({note["process"] for note in notes}) == 4


def test_a_slow_function_delays_no_other(stack, tmp_path):
    slow, quick, gate = Function(stack, tmp_path), Function(stack, tmp_path), tmp_path / "gate"
    for _ in range(8):
        slow.send({"until": str(gate)})
    wait_for("the slow function", lambda: len(slow.notes()) == 4)
    quick.send({})
    wait_for("the quick function", lambda: quick.notes("ended"))
    assert slow.notes("ended") == []
    gate.touch()
    wait_for("the slow function", lambda: len(slow.notes("ended")) == 8)


def test_a_destination_that_may_no_longer_be_written_loses_the_record_loudly(stack, tmp_path):
    function = Function(stack, tmp_path)
    function.configure(MaximumRetryAttempts=0, DestinationConfig=on_failure(function.queue_arn))
    stack.client("iam").delete_role_policy(RoleName=function.role.split("/")[-1], PolicyName="all")
    function.send({"fail": "permission"})
    log = stack.state_dir / "emulator.log"
    line = wait_for(
        "the warning",
        lambda: next((x for x in log.read_text().splitlines() if function.name in x and "did not take" in x), None),
    )
    assert "AccessDenied" in line and "sqs:SendMessage" in line and function.queue_arn in line
    assert function.messages() == 0
    assert metric(stack, "DestinationDeliveryFailures", function.name) == 1


def test_settings_are_put_updated_listed_and_deleted(stack, tmp_path):
    function, lambda_ = Function(stack, tmp_path), stack.client("lambda")
    put = function.configure(MaximumRetryAttempts=1, DestinationConfig=on_failure(function.queue_arn))
    assert put["FunctionArn"] == f"{function.arn}:$LATEST"
    assert (put["MaximumRetryAttempts"], put["MaximumEventAgeInSeconds"]) == (1, 21600)
    updated = lambda_.update_function_event_invoke_config(FunctionName=function.name, MaximumEventAgeInSeconds=120)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (1, 120)
    found = lambda_.get_function_event_invoke_config(FunctionName=function.name)
    assert found["DestinationConfig"]["OnFailure"] == {"Destination": function.queue_arn}
    assert found["MaximumEventAgeInSeconds"] == 120
    listed = lambda_.list_function_event_invoke_configs(FunctionName=function.name)["FunctionEventInvokeConfigs"]
    assert [entry["MaximumRetryAttempts"] for entry in listed] == [1]
    # Put replaces all of it.
    assert function.configure(MaximumEventAgeInSeconds=60)["MaximumRetryAttempts"] == 2
    lambda_.delete_function_event_invoke_config(FunctionName=function.name)
    for call in (lambda_.get_function_event_invoke_config, lambda_.update_function_event_invoke_config):
        assert refusal(call, FunctionName=function.name)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"MaximumRetryAttempts": 3}, "MaximumRetryAttempts must be a whole number from 0 to 2, got 3"),
        ({"MaximumEventAgeInSeconds": 21601}, "from 60 to 21600, got 21601"),
        ({"DestinationConfig": on_failure("arn:aws:events:us-east-1:000000000000:event-bus/b")}, "OnFailure must be"),
        ({"DestinationConfig": on_failure("arn:aws:sqs:us-east-1:000000000000:q.fifo")}, "not a FIFO one"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}}, "OnSuccess must be"),
        ({"DestinationConfig": on_failure("arn:aws:sqs:us-east-1:000000000000:other")}, "call SendMessage on SQS"),
    ],
)
def test_a_wrong_setting_is_refused(stack, tmp_path, settings, said):
    function = Function(stack, tmp_path)
    code, message = refusal(function.configure, **settings)
    assert code == "InvalidParameterValueException" and said in message


def test_a_dead_letter_queue_needs_the_permission_to_send(stack, tmp_path):
    function = Function(stack, tmp_path, allow("logs:PutLogEvents"))
    code, message = refusal(
        stack.client("lambda").update_function_configuration,
        FunctionName=function.name,
        DeadLetterConfig={"TargetArn": function.queue_arn},
    )
    assert code == "InvalidParameterValueException"
    assert "does not have permissions to call SendMessage on SQS" in message


def test_an_event_over_one_megabyte_is_refused(stack, tmp_path):
    function = Function(stack, tmp_path)
    body = json.dumps({"text": "x" * 1024 * 1024}).encode()
    code, _ = refusal(stack.client("lambda").invoke, FunctionName=function.name, InvocationType="Event", Payload=body)
    assert code == "RequestTooLargeException"


def test_a_function_that_does_not_exist_is_not_accepted(stack):
    code, _ = refusal(stack.client("lambda").invoke, FunctionName="none", InvocationType="Event", Payload=b"{}")
    assert code == "ResourceNotFoundException"
