"""Event source mappings from Kinesis against the running emulator, with real Lambdas.

Expectations are from the AWS Lambda developer guide ("Using Lambda with Kinesis", "Configuring partial batch
response", "Retain discarded batch records") and the references of CreateEventSourceMapping and PutRecords.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from emulator_stack import PROJECT_ROOT, Stack, start_stack, unique, wait_for

# `data` holds the batch's payloads as text, `log` writes what happened, `calls` counts invocations.
FUNCTION = """
const fs = require("node:fs");
let calls = 0;
exports.handler = async (event) => {
  calls += 1;
  const started = Date.now();
  const data = event.Records.map((r) => Buffer.from(r.kinesis.data, "base64").toString().slice(0, 20));
  const sequence = (text) => event.Records[data.indexOf(text)].kinesis.sequenceNumber;
  const log = (outcome) => fs.appendFileSync(process.env.LOG, JSON.stringify({
    outcome, data, started, ended: Date.now(), shard: event.Records[0].eventID.split(":")[0] }) + "\\n");
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  BODY
};
"""
SUCCEED = 'log("ok");'
FAIL_ON_POISON = """
  if (data.includes("poison")) { log("failed"); throw new Error("poison"); }
  log("ok");
"""
REPORT = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


class Flow:
    """A stream, a function that logs its invocations, and the mapping between them."""

    def __init__(self, stack: Stack, folder: Path, shards: int = 1) -> None:
        self.stack = stack
        self.kinesis, self.lambda_ = stack.client("kinesis"), stack.client("lambda")
        self.log = folder / f"{unique('log')}.jsonl"
        self.name = unique("stream")
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        self.arn = self.kinesis.describe_stream(StreamName=self.name)["StreamDescription"]["StreamARN"]
        self.mapping = ""

    def map(self, body: str = SUCCEED, timeout_seconds: int = 10, **settings) -> Flow:
        function = self.stack.node_function(
            FUNCTION.replace("BODY", body), timeout_seconds=timeout_seconds, LOG=str(self.log)
        )
        answer = self.lambda_.create_event_source_mapping(
            FunctionName=function,
            EventSourceArn=self.arn,
            **{"StartingPosition": "TRIM_HORIZON", **settings},
        )
        self.mapping = answer["UUID"]
        return self

    def put(self, *texts: str, hash_key: str | None = None) -> list[str]:
        entries = [
            {
                "Data": text.encode(),
                "PartitionKey": "key",
                **({"ExplicitHashKey": hash_key} if hash_key else {}),
            }
            for text in texts
        ]
        answer = self.kinesis.put_records(StreamName=self.name, Records=entries)
        return [record["SequenceNumber"] for record in answer["Records"]]

    def invocations(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def batches(self, count: int, timeout_seconds: float = 15) -> list[list[str]]:
        """What the function got in each invocation, once there were `count` of them."""
        wait_for(f"{count} invocations", lambda: len(self.invocations()) >= count, timeout_seconds)
        return [invocation["data"] for invocation in self.invocations()]

    def taken(self) -> list[str]:
        """The records of successful invocations, in the order in which they were taken."""
        return [text for call in self.invocations() if call["outcome"] == "ok" for text in call["data"]]

    def wait_until_taken(self, *texts: str) -> list[str]:
        wait_for(f"{texts} taken", lambda: set(texts) <= set(self.taken()))
        return self.taken()

    def get(self) -> dict:
        return self.lambda_.get_event_source_mapping(UUID=self.mapping)

    def update(self, **settings) -> dict:
        return self.lambda_.update_event_source_mapping(UUID=self.mapping, **settings)


@pytest.fixture
def flow(stack: Stack, tmp_path: Path) -> Iterator[Flow]:
    created = Flow(stack, tmp_path)
    yield created
    if created.mapping:
        created.lambda_.delete_event_source_mapping(UUID=created.mapping)


def to_s3(bucket: str) -> dict:
    return {"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}}


def failed_batches(stack: Stack, bucket: str, count: int = 1) -> list[tuple[str, dict]]:
    """Key and document of each on-failure object, once there are `count` of them."""
    s3 = stack.client("s3")

    def keys() -> list[str]:
        return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    wait_for(f"{count} on-failure objects", lambda: len(keys()) >= count)
    return [(key, json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])) for key in keys()]


def payload_texts(document: dict) -> list[str]:
    return [base64.b64decode(r["kinesis"]["data"]).decode() for r in json.loads(document["payload"])["Records"]]


# ---- partial batch response -------------------------------------------------------------------------------


def test_a_partial_failure_is_retried_from_the_failed_record_in_order(flow):
    flow.put("a", "b", "c", "d", "e")
    flow.map(
        """if (calls > 1) return log("ok");
        log("partial");
        return { batchItemFailures: [{ itemIdentifier: sequence("c") }] };""",
        **REPORT,
    )
    flow.batches(2)
    flow.put("f")
    assert flow.batches(3) == [["a", "b", "c", "d", "e"], ["c", "d", "e"], ["f"]]
    wait_for("the result", lambda: flow.get()["LastProcessingResult"] == "OK")


def test_of_several_failed_records_the_lowest_sequence_number_counts(flow):
    flow.put("a", "b", "c", "d")
    flow.map(
        """if (calls === 1) { log("partial"); return { batchItemFailures: [
          { itemIdentifier: sequence("d") }, { itemIdentifier: sequence("b") }] }; }
        log("ok");""",
        **REPORT,
    )
    assert flow.batches(2) == [["a", "b", "c", "d"], ["b", "c", "d"]]


@pytest.mark.parametrize(
    "response",
    [
        '{ batchItemFailures: [{ itemIdentifier: "" }] }',
        "{ batchItemFailures: [{ itemIdentifier: null }] }",
        '{ batchItemFailures: [{ sequenceNumber: sequence("b") }] }',
        '{ batchItemFailures: [{ itemIdentifier: "not of this batch" }] }',
        '{ batchItemFailures: "b" }',
    ],
)
def test_a_malformed_response_fails_the_whole_batch(flow, response):
    flow.put("a", "b")
    flow.map(f'if (calls === 1) {{ log("malformed"); return {response}; }} log("ok");', **REPORT)
    assert flow.batches(2) == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize("response", ["null", "{}", "{ batchItemFailures: [] }", "{ batchItemFailures: null }"])
def test_an_empty_response_is_success(flow, response):
    flow.put("a")
    flow.map(f'log("ok"); return {response};', **REPORT)
    flow.batches(1)
    flow.put("b")
    assert flow.batches(2) == [["a"], ["b"]]


def test_without_report_batch_item_failures_the_response_says_nothing(flow):
    flow.put("a")
    flow.map('log("ok"); return { batchItemFailures: [{ itemIdentifier: sequence("a") }] };')
    flow.batches(1)
    flow.put("b")
    assert flow.batches(2) == [["a"], ["b"]]


# ---- errors, bisecting, retries, on-failure destination ----------------------------------------------------


def test_an_error_retries_the_whole_batch_and_blocks_the_shard(flow):
    flow.put("a", "b")
    # A worker that failed is replaced, so the log, not a variable, knows of the first call.
    flow.map('if (!fs.existsSync(process.env.LOG)) { log("failed"); throw new Error("once"); } log("ok");')
    flow.put("c")
    flow.wait_until_taken("a", "b", "c")
    assert flow.batches(2)[0] == ["a", "b"]
    assert flow.taken() == ["a", "b", "c"]


@pytest.mark.parametrize("partial_response", [False, True], ids=["thrown", "reported"])
def test_a_poison_record_is_bisected_and_sent_to_s3_and_the_others_are_processed(stack, flow, partial_response):
    bucket = stack.bucket("failed")
    reported = """
      if (!data.includes("poison")) return log("ok");
      log("failed");
      return { batchItemFailures: [{ itemIdentifier: sequence("poison") }] };"""
    sequences = flow.put("a", "b", "c", "d", "e", "poison", "f", "g")
    flow.map(
        reported if partial_response else FAIL_ON_POISON,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        **to_s3(bucket),
        **REPORT,
    )
    flow.put("h")
    taken = flow.wait_until_taken("f", "g", "h")
    [(key, document)] = failed_batches(stack, bucket)
    day, moment, unique_part = r"\d{4}/\d\d/\d\d", r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d", r"[0-9a-f-]{36}"
    assert re.fullmatch(rf"aws/lambda/{flow.mapping}/shardId-000000000000/{day}/{moment}-{unique_part}", key)
    assert payload_texts(document) == ["poison"]
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    info = document["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == (sequences[5], sequences[5])
    assert (info["batchSize"], info["streamArn"], info["shardId"]) == (1, flow.arn, "shardId-000000000000")
    good = ["a", "b", "c", "d", "e", "f", "g", "h"]
    if partial_response:  # what came before the failed record counts as done with the partial response
        assert taken == ["f", "g", "h"]
        first = flow.batches(1)[0]
        assert first == ["a", "b", "c", "d", "e", "poison", "f", "g"]
    else:
        assert taken == good
    # Splitting takes no retries: the record alone is tried once and retried once.
    assert [call["data"] for call in flow.invocations()].count(["poison"]) == 2


def test_retries_are_bounded_and_sqs_gets_the_metadata_without_the_records(stack, flow):
    sqs = stack.client("sqs")
    queue = sqs.create_queue(QueueName=unique("failed"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sequences = flow.put("a", "poison", "b")
    flow.map(FAIL_ON_POISON, MaximumRetryAttempts=2, DestinationConfig={"OnFailure": {"Destination": arn}})
    flow.batches(3)
    flow.put("next")
    assert flow.batches(4) == [["a", "poison", "b"]] * 3 + [["next"]]
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    document = json.loads(message["Body"])
    assert "payload" not in document
    assert document["version"] == "1.0"
    assert document["requestContext"]["approximateInvokeCount"] == 3
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    info = document["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == (sequences[0], sequences[2])
    assert info["batchSize"] == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", info["approximateArrivalOfFirstRecord"])


def test_discarded_records_are_reported_to_an_sns_topic(stack, flow):
    sns, sqs = stack.client("sns"), stack.client("sqs")
    topic = sns.create_topic(Name=unique("failed"))["TopicArn"]
    queue = sqs.create_queue(QueueName=unique("failed"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    flow.put("poison")
    flow.map(FAIL_ON_POISON, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}})
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["KinesisBatchInfo"]["streamArn"] == flow.arn


def test_a_time_out_is_a_function_error(stack, flow):
    bucket = stack.bucket("failed")
    flow.put("slow")
    flow.map(
        'if (data.includes("slow")) { log("slow"); await sleep(20000); } log("ok");',
        timeout_seconds=1,
        MaximumRetryAttempts=0,
        **to_s3(bucket),
    )
    flow.put("next")
    [(_, document)] = failed_batches(stack, bucket)
    assert payload_texts(document)[0] == "slow"
    assert document["requestContext"]["approximateInvokeCount"] == 1
    assert flow.invocations()[0]["outcome"] == "slow"


def test_records_wait_while_the_on_failure_destination_cannot_be_written(stack, flow):
    bucket = unique("later")
    flow.put("poison")
    flow.map(FAIL_ON_POISON, MaximumRetryAttempts=0, **to_s3(bucket))
    wait_for("the problem", lambda: "destination" in flow.get()["LastProcessingResult"])
    flow.put("next")
    assert flow.taken() == []
    stack.client("s3").create_bucket(Bucket=bucket)
    [(_, document)] = failed_batches(stack, bucket)
    assert payload_texts(document) == ["poison"]
    assert flow.wait_until_taken("next") == ["next"]


# ---- batching ---------------------------------------------------------------------------------------------


def test_the_batching_window_gathers_records_until_it_is_over(flow):
    flow.map(MaximumBatchingWindowInSeconds=2)
    put_at = time.time()
    flow.put("a")
    time.sleep(0.5)
    flow.put("b")
    assert flow.batches(1) == [["a", "b"]]
    waited = flow.invocations()[0]["started"] / 1000 - put_at
    assert 1.9 <= waited < 3.5


def test_a_full_batch_does_not_wait_for_the_window(flow):
    flow.map(BatchSize=3, MaximumBatchingWindowInSeconds=300)
    flow.put("a", "b", "c", "d")
    assert flow.batches(1, timeout_seconds=5) == [["a", "b", "c"]]


def test_a_batch_ends_at_the_6_mb_of_an_invocation(flow):
    flow.map(MaximumBatchingWindowInSeconds=300)
    for number in range(5):  # 1 MiB is 1.4 MB as base64: four fit
        flow.put(f"{number}".ljust(1024 * 1024))
    assert [text.strip() for text in flow.batches(1)[0]] == ["0", "1", "2", "3"]


def test_a_batch_may_hold_10000_records(flow):
    flow.map(BatchSize=10_000, MaximumBatchingWindowInSeconds=20)
    for start in range(0, 10_000, 500):
        flow.put(*map(str, range(start, start + 500)))
    [batch] = flow.batches(1)
    assert batch == [str(number) for number in range(10_000)]


# ---- shards -----------------------------------------------------------------------------------------------

LOWEST_KEY, HIGHEST_KEY = "0", str(2**128 - 1)


def test_two_shards_are_read_at_the_same_time_each_in_order(stack, tmp_path):
    flow = Flow(stack, tmp_path, shards=2)
    flow.put("a1", "a2", hash_key=LOWEST_KEY)
    flow.put("b1", "b2", hash_key=HIGHEST_KEY)
    flow.map('await sleep(1000); log("ok");', BatchSize=1)
    flow.batches(4)
    by_shard: dict[str, list[dict]] = {}
    for call in flow.invocations():
        by_shard.setdefault(call["shard"], []).append(call)
    assert sorted([call["data"] for call in calls] for calls in by_shard.values()) == [
        [["a1"], ["a2"]],
        [["b1"], ["b2"]],
    ]
    one, other = by_shard.values()
    assert one[0]["started"] < other[0]["ended"] and other[0]["started"] < one[0]["ended"]
    flow.lambda_.delete_event_source_mapping(UUID=flow.mapping)


def test_children_of_a_split_are_read_when_the_parent_is_done(flow):
    flow.map('await sleep(200); log("ok");', BatchSize=1, Enabled=False)
    flow.put("p1", "p2", "p3")
    flow.kinesis.split_shard(StreamName=flow.name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    flow.put("low", hash_key=LOWEST_KEY)
    flow.put("high", hash_key=HIGHEST_KEY)
    flow.update(Enabled=True)
    taken = flow.wait_until_taken("low", "high")
    assert taken[:3] == ["p1", "p2", "p3"]
    assert sorted(taken[3:]) == ["high", "low"]

    described = flow.kinesis.describe_stream(StreamName=flow.name)["StreamDescription"]["Shards"]
    assert [shard["ShardId"][-1] for shard in described] == ["0", "1", "2"]
    assert "EndingSequenceNumber" in described[0]["SequenceNumberRange"]
    assert [shard.get("ParentShardId") for shard in described[1:]] == ["shardId-000000000000"] * 2
    summary = flow.kinesis.describe_stream_summary(StreamName=flow.name)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 2


def test_update_shard_count_keeps_the_records_of_the_old_shards(flow):
    flow.put("a", "b")
    flow.kinesis.update_shard_count(StreamName=flow.name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    flow.put("c", hash_key=HIGHEST_KEY)
    flow.map()
    assert flow.wait_until_taken("a", "b", "c") == ["a", "b", "c"]
    shard = "shardId-000000000000"
    iterator = flow.kinesis.get_shard_iterator(StreamName=flow.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    page = flow.kinesis.get_records(ShardIterator=iterator)
    assert [record["Data"] for record in page["Records"]] == [b"a", b"b"]
    assert "NextShardIterator" not in page
    assert [child["ParentShards"] for child in page["ChildShards"]] == [[shard], [shard]]
    with pytest.raises(ClientError, match="InvalidArgumentException"):
        flow.kinesis.update_shard_count(StreamName=flow.name, TargetShardCount=5, ScalingType="UNIFORM_SCALING")


# ---- where reading starts, pauses and goes on -------------------------------------------------------------


def test_latest_starts_after_existing_records(flow):
    flow.put("before")
    flow.map(StartingPosition="LATEST")
    flow.put("after")
    assert flow.batches(1) == [["after"]]


def test_at_timestamp_starts_with_what_arrived_since(flow):
    flow.put("before")
    time.sleep(0.3)
    since = time.time()
    time.sleep(0.1)
    flow.put("since")
    flow.map(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=since)
    assert flow.batches(1) == [["since"]]


def test_an_enabled_again_mapping_continues_where_it_stopped(flow):
    flow.put("a")
    flow.map()
    flow.wait_until_taken("a")
    assert flow.update(Enabled=False)["State"] == "Disabled"
    flow.put("b")
    time.sleep(0.5)
    assert flow.taken() == ["a"]
    assert flow.update(Enabled=True, BatchSize=1)["State"] == "Enabled"
    flow.put("c")
    assert flow.wait_until_taken("b", "c") == ["a", "b", "c"]


def test_a_deleted_mapping_reads_no_more(flow):
    flow.map()
    flow.put("a")
    flow.wait_until_taken("a")
    flow.lambda_.delete_event_source_mapping(UUID=flow.mapping)
    flow.mapping = ""
    flow.put("b")
    time.sleep(0.5)
    assert flow.taken() == ["a"]


def test_filter_criteria_leave_records_out(flow):
    pattern = json.dumps({"data": {"type": ["purchase"]}})
    flow.map('log("ok");', FilterCriteria={"Filters": [{"Pattern": pattern}]})
    flow.put('{"type":"view"}', '{"type":"purchase"}', "no json", '{"type":"view"}')
    flow.put('{"type":"purchase"}')
    flow.wait_until_taken('{"type":"purchase"}')
    wait_for("both", lambda: len(flow.taken()) == 2)
    assert flow.taken() == ['{"type":"purchase"}'] * 2


# ---- settings ---------------------------------------------------------------------------------------------


def test_get_event_source_mapping_echoes_what_was_given(stack, flow):
    bucket = stack.bucket("failed")
    given = {
        "BatchSize": 10_000,
        "MaximumBatchingWindowInSeconds": 60,
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 3600,
        "BisectBatchOnFunctionError": True,
        "ParallelizationFactor": 1,
        **REPORT,
        **to_s3(bucket),
    }
    flow.map(**given)
    shown = flow.get()
    assert {key: shown[key] for key in given} == given
    assert (shown["StartingPosition"], shown["EventSourceArn"]) == ("TRIM_HORIZON", flow.arn)
    assert flow.update(MaximumRetryAttempts=7)["MaximumRetryAttempts"] == 7
    assert flow.get()["BatchSize"] == 10_000


def test_defaults_are_those_of_aws(flow):
    shown = flow.map().get()
    defaults = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "ParallelizationFactor": 1,
        "TumblingWindowInSeconds": 0,
    }
    assert {key: shown[key] for key in defaults} == defaults
    assert shown["LastProcessingResult"] == "No records processed"


@pytest.mark.parametrize(
    "settings",
    [
        {"ParallelizationFactor": 2},
        {"TumblingWindowInSeconds": 30},
        {"MaximumRecordAgeInSeconds": 59},
        {"StartingPosition": "AT_TIMESTAMP"},
        {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 4_000_000_000},
        {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:kafka:us-east-1:000000000000:topic"}}},
        {"FilterCriteria": {"Filters": [{"Pattern": '{"data": {"a": [{"wildcard": "x*"}]}}'}]}},
        {"FilterCriteria": {"Filters": [{"Pattern": "no json"}]}},
        {"MetricsConfig": {"Metrics": ["EventCount"]}},
        {"ScalingConfig": {"MaximumConcurrency": 5}},
    ],
    ids=lambda settings: ",".join(settings),
)
def test_what_is_not_honoured_is_refused(flow, settings):
    with pytest.raises(ClientError) as refused:
        flow.map(**settings)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_stream_that_does_not_exist_cannot_be_mapped(flow):
    flow.arn += "-missing"
    with pytest.raises(ClientError, match="Stream not found"):
        flow.map()


def test_a_function_is_mapped_to_a_stream_once(flow):
    function = flow.map().get()["FunctionArn"]
    with pytest.raises(ClientError, match="ResourceConflictException"):
        flow.lambda_.create_event_source_mapping(
            FunctionName=function, EventSourceArn=flow.arn, StartingPosition="LATEST"
        )


# ---- record age and write limits, on an emulator of their own ---------------------------------------------

# AWS takes no maximum age below a minute, and nor does the emulator: too long for a test.
SHORT_AGES = """
import sys
sys.path[0] = {root!r}
from emulator.core import server

install = server._install_parts

def install_with_short_ages(context):
    app = install(context)
    from emulator.kinesis import event_source_mapping
    event_source_mapping.MINIMUM_RECORD_AGE_SECONDS = 1
    return app

server._install_parts = install_with_short_ages
server.PARTS = ("sns.email", "kinesis.event_source_mapping", "kinesis.streams")
server.main()
"""


@pytest.fixture(scope="module")
def limited_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("limited")
    launcher = folder / "launch.py"
    launcher.write_text(SHORT_AGES.format(root=str(PROJECT_ROOT)))
    running = start_stack(folder / "state", {"CLICKSTREAM_KINESIS_LIMITS": "1"}, launcher)
    try:
        yield running
    finally:
        running.stop()


def test_records_over_their_maximum_age_are_discarded_without_an_invocation(limited_stack, tmp_path):
    bucket = limited_stack.bucket("failed")
    flow = Flow(limited_stack, tmp_path)
    flow.put("old1", "old2")
    time.sleep(1.2)
    flow.put("young")
    flow.map(MaximumRecordAgeInSeconds=1, **to_s3(bucket))
    assert flow.wait_until_taken("young") == ["young"]
    [(_, document)] = failed_batches(limited_stack, bucket)
    assert payload_texts(document) == ["old1", "old2"]
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] == 0


def test_retries_end_when_the_records_are_too_old(limited_stack, tmp_path):
    bucket = limited_stack.bucket("failed")
    flow = Flow(limited_stack, tmp_path).map(FAIL_ON_POISON, MaximumRecordAgeInSeconds=1, **to_s3(bucket))
    flow.put("poison")
    [(_, document)] = failed_batches(limited_stack, bucket)
    assert document["requestContext"]["condition"] == "RecordAgeExceeded"
    assert document["requestContext"]["approximateInvokeCount"] > 1
    flow.put("next")
    flow.wait_until_taken("next")


def test_a_shard_takes_1000_records_a_second_with_limits_on(limited_stack, tmp_path):
    flow = Flow(limited_stack, tmp_path)
    entries = [{"Data": b"x", "PartitionKey": "key"}] * 500
    answers = [flow.kinesis.put_records(StreamName=flow.name, Records=entries) for _ in range(4)]
    assert answers[0]["FailedRecordCount"] == 0
    refused = [r for answer in answers for r in answer["Records"] if "ErrorCode" in r]
    assert sum(answer["FailedRecordCount"] for answer in answers) == len(refused) > 0
    assert refused[0]["ErrorCode"] == "ProvisionedThroughputExceededException"
    assert refused[0]["ErrorMessage"] == (
        f"Rate exceeded for shard shardId-000000000000 in stream {flow.name} under account 000000000000."
    )
    with pytest.raises(flow.kinesis.exceptions.ProvisionedThroughputExceededException):
        for _ in range(2):
            flow.kinesis.put_record(StreamName=flow.name, Data=b"x" * 1_000_000, PartitionKey="key")


def test_a_shard_takes_1_mib_a_second_with_limits_on(limited_stack, tmp_path):
    flow = Flow(limited_stack, tmp_path, shards=2)
    half = b"x" * 512 * 1024
    keys = [LOWEST_KEY] * 3 + [HIGHEST_KEY]
    entries = [{"Data": half, "PartitionKey": "k", "ExplicitHashKey": key} for key in keys]
    answer = flow.kinesis.put_records(StreamName=flow.name, Records=entries)
    # A partition key of one byte counts too, so the second half megabyte is one byte too much.
    assert ["ErrorCode" in record for record in answer["Records"]] == [False, True, True, False]
    time.sleep(1.1)
    again = flow.kinesis.put_records(StreamName=flow.name, Records=entries[1:2])
    assert again["FailedRecordCount"] == 0


def test_without_the_option_nothing_is_refused(flow):
    entries = [{"Data": b"x", "PartitionKey": "key"}] * 500
    answers = [flow.kinesis.put_records(StreamName=flow.name, Records=entries) for _ in range(4)]
    assert [answer["FailedRecordCount"] for answer in answers] == [0] * 4
