"""Event source mappings from Kinesis to Lambda with the behaviour that AWS documents.

Replaces MiniStack's poller, which loses the records that a partial batch response names and has no retries, bisecting,
batching window, record age or on-failure destination. This file is the API side: it checks the settings and decides
which shards have a worker (shard_worker.py).
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import kinesis, lambda_svc

from ..core.context import Context
from ..functions import role_client
from ..iam import permissions
from . import streams
from .shard_worker import ShardWorker

PATCHES = [
    *(
        ("ministack.services.lambda_svc", name)
        for name in (
            "_apply_filter_criteria",
            "_create_esm",
            "_delete_esm",
            "_esm_response",
            "_esms",
            "_execute_function",
            "_execution_record_for_config",
            "_get_func_record_for_qualifier",
            "_iter_all_esms",
            "_poll_kinesis",
            "_resolve_request_scoped_name_and_qualifier",
            "_update_esm",
        )
    ),
    ("ministack.services.kinesis", "_ensure_base64"),
    ("ministack.services.kinesis", "_streams"),
    *role_client.PATCHES,
]

# AWS refuses a maximum age below this, though the parameter's range begins at -1.
MINIMUM_RECORD_AGE_SECONDS = 60

# Setting: (lowest, highest, default), from the reference of CreateEventSourceMapping.
NUMBERS = {
    "BatchSize": (1, 10_000, 100),
    "MaximumBatchingWindowInSeconds": (0, 300, 0),
    "MaximumRecordAgeInSeconds": (-1, 604_800, -1),
    "MaximumRetryAttempts": (-1, 10_000, -1),
    "ParallelizationFactor": (1, 10, 1),
    "TumblingWindowInSeconds": (0, 900, 0),
}
OTHER_SETTINGS = (
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "FilterCriteria",
    "FunctionResponseTypes",
    "StartingPositionTimestamp",
)
STREAM_ACTIONS = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
)
# Handled by MiniStack.
PASSED_ON = ("EventSourceArn", "FunctionName", "Enabled", "StartingPosition", "Tags", "UUID")
FILTER_OPERATORS = {"exists", "prefix", "suffix", "anything-but", "numeric"}

logger = logging.getLogger("kinesis-mapping")

Settings = dict[str, Any]
Key = tuple[str, str]


class InvalidSetting(ValueError):
    """A setting that AWS rejects, or that the local stack does not support."""

    code, status = "InvalidParameterValueException", 400


class MappingExists(InvalidSetting):
    """A function can be mapped to a stream only once."""

    code, status = "ResourceConflictException", 409


def install(context: Context) -> None:
    mappings = Mappings(context)
    lambda_svc._poll_kinesis = mappings.poll
    lambda_svc._create_esm = mappings.creating(lambda_svc._create_esm)
    lambda_svc._update_esm = mappings.updating(lambda_svc._update_esm)
    lambda_svc._delete_esm = mappings.deleting(lambda_svc._delete_esm)
    context.on_shutdown("event source mappings", mappings.stop)


# ---- settings ---------------------------------------------------------------------------------------------


def read_settings(data: Settings) -> Settings:
    """The given settings, checked. Raises InvalidSetting for anything that it would have to ignore."""
    for key, value in data.items():
        if key not in NUMBERS and key not in OTHER_SETTINGS and key not in PASSED_ON and value:
            raise InvalidSetting(f"{key} is not supported for Kinesis by the local stack.")
    given = {key: data[key] for key in (*NUMBERS, *OTHER_SETTINGS) if data.get(key) is not None}
    for key, (lowest, highest, _) in NUMBERS.items():
        if key in given and not _is_within(given[key], lowest, highest):
            raise InvalidSetting(f"{key} must be a whole number from {lowest} to {highest}, got {given[key]!r}.")
    _check_numbers(given)
    if "DestinationConfig" in given:
        given["DestinationConfig"] = _destination(given["DestinationConfig"])
    if given.get("FunctionResponseTypes", []) not in ([], ["ReportBatchItemFailures"]):
        raise InvalidSetting("FunctionResponseTypes can only contain ReportBatchItemFailures.")
    for entry in given.get("FilterCriteria", {}).get("Filters") or []:
        _check_filter(entry.get("Pattern"))
    return given


def _is_within(value: Any, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _check_numbers(given: Settings) -> None:
    age = given.get("MaximumRecordAgeInSeconds", -1)
    if -1 < age < MINIMUM_RECORD_AGE_SECONDS:
        raise InvalidSetting(
            f"MaximumRecordAgeInSeconds must be -1 or at least {MINIMUM_RECORD_AGE_SECONDS}, got {age}."
        )
    if given.get("ParallelizationFactor", 1) > 1:
        raise InvalidSetting("ParallelizationFactor above 1 is not supported by the local stack.")
    if given.get("TumblingWindowInSeconds", 0) > 0:
        raise InvalidSetting("TumblingWindowInSeconds is not supported by the local stack.")


def _destination(config: Settings) -> Settings:
    if config.get("OnSuccess"):
        raise InvalidSetting("DestinationConfig.OnSuccess is not supported for event source mappings.")
    destination = (config.get("OnFailure") or {}).get("Destination")
    if not destination:  # an empty string removes the destination
        return {"OnFailure": {}}
    parts = destination.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in ("s3", "sqs", "sns"):
        raise InvalidSetting(
            f"DestinationConfig.OnFailure must be the ARN of an S3 bucket, an SQS queue or an SNS topic, "
            f"got {destination}."
        )
    return {"OnFailure": {"Destination": destination}}


def _check_filter(pattern: Any) -> None:
    try:
        parsed = json.loads(pattern)
    except (TypeError, ValueError):
        raise InvalidSetting(f"Invalid filter pattern definition: {pattern}") from None
    if not isinstance(parsed, dict):
        raise InvalidSetting(f"Invalid filter pattern definition: {pattern}")
    _check_filter_level(parsed)


def _check_filter_level(level: Settings) -> None:
    for key, wanted in level.items():
        if isinstance(wanted, dict):
            _check_filter_level(wanted)
            continue
        if not isinstance(wanted, list) or key.startswith("$"):
            raise InvalidSetting(f"Filter pattern: {key} is not supported by the local stack.")
        for rule in wanted:
            if isinstance(rule, dict) and (set(rule) - FILTER_OPERATORS or _has_nested_rule(rule)):
                raise InvalidSetting(f"Filter rule {json.dumps(rule)} is not supported by the local stack.")


def _has_nested_rule(rule: Settings) -> bool:
    return any(isinstance(value, dict) for value in rule.values())


# ---- mappings ---------------------------------------------------------------------------------------------


class Mappings:
    """All Kinesis mappings: the position in each shard, and a worker for each shard to read."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._positions: dict[Key, str] = {}
        self._workers: dict[Key, ShardWorker] = {}
        self._stopped = False
        self.generation = 0

    # ---- for the workers

    def wake(self) -> None:
        with self._changed:
            self.generation += 1
            self._changed.notify_all()

    def wait(self, generation: int, seconds: float) -> None:
        """Wait until something has changed since `generation` was read, or until the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self.generation != generation, seconds)

    def position(self, key: Key) -> str:
        """The last processed sequence number. A shard that is newer than the mapping is read from its start."""
        return self._positions.get(key, "")

    def commit(self, key: Key, position: str) -> None:
        with self._lock:
            self._positions[key] = position

    def shard(self, mapping: Settings, shard_id: str) -> dict[str, Any] | None:
        stream = _stream(mapping)
        return stream["shards"].get(shard_id) if stream else None

    def function(self, mapping: Settings) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        function, config = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        return function, config or {}

    def oldest_allowed(self, mapping: Settings) -> float:
        """Records that arrived before this time are given up: by maximum age, or by the stream's retention."""
        stream = _stream(mapping)
        seconds = stream["RetentionPeriodHours"] * 3600 if stream else float("inf")
        if mapping["MaximumRecordAgeInSeconds"] != -1:
            seconds = min(seconds, mapping["MaximumRecordAgeInSeconds"])
        return time.time() - seconds

    def worker_ended(self, worker: ShardWorker) -> None:
        with self._lock:
            if self._workers.get(worker.key) is worker:
                del self._workers[worker.key]
        self.reconcile()

    # ---- which shards are read

    def poll(self) -> bool:
        """Called by MiniStack's poller when a record is put, and every second."""
        self.reconcile()
        self.wake()
        return False

    def stop(self) -> None:
        self._stopped = True
        self.reconcile()

    def reconcile(self) -> None:
        """Start and stop workers so that each shard to read has one."""
        with self._lock:
            wanted = {} if self._stopped else self._readable_shards()
            for key, worker in list(self._workers.items()):
                if wanted.get(key) is not worker._mapping:
                    worker.stop()
            for key, mapping in wanted.items():
                if key not in self._workers:
                    self._workers[key] = ShardWorker(self, mapping, key[1])
                    self._workers[key].start()
            known = {mapping["UUID"] for _, _, mapping in lambda_svc._iter_all_esms()}
            for key in [key for key in self._positions if key[0] not in known and key not in self._workers]:
                del self._positions[key]

    def _readable_shards(self) -> dict[Key, Settings]:
        readable = {}
        for account, region, mapping in lambda_svc._iter_all_esms():
            if not _is_kinesis(mapping.get("EventSourceArn", "")) or not mapping.get("Enabled", True):
                continue
            with request_scope(account, region):
                stream = _stream(mapping)
            if stream is None:
                continue
            for shard_id, shard in list(stream["shards"].items()):
                ready = all(self._is_drained(mapping, stream, parent) for parent in streams.parents(shard))
                if ready and not self._is_drained(mapping, stream, shard_id):
                    readable[(mapping["UUID"], shard_id)] = mapping
        return readable

    def _is_drained(self, mapping: Settings, stream: dict[str, Any], shard_id: str) -> bool:
        """Whether the shard is closed and all its records are processed. AWS reads a child shard only then, which
        keeps the order of records with one key across a reshard."""
        shard = stream["shards"].get(shard_id)
        if shard is None:
            return True
        if not streams.is_closed(shard):
            return False
        records = shard["records"]
        return not records or records[-1]["SequenceNumber"] <= self.position((mapping["UUID"], shard_id))

    # ---- the API

    def creating(self, create: Callable[[Settings], tuple]) -> Callable[[Settings], tuple]:
        def create_mapping(data: Settings) -> tuple:
            if not _is_kinesis(data.get("EventSourceArn", "")):
                return create(data)
            # Under the lock, so that no worker starts before the starting position is set.
            with self._lock:
                try:
                    settings = {**_defaults(), **read_settings(data)}
                    stream = self._check_new(data)
                except InvalidSetting as problem:
                    return _refusal(problem)
                answer = create(data)
                if answer[0] != 202:
                    return answer
                mapping = lambda_svc._esms[json.loads(answer[2])["UUID"]]
                mapping.update(settings)
                self._set_positions(mapping, stream)
            self.reconcile()
            return kinesis.json_response(lambda_svc._esm_response(mapping), 202)

        return create_mapping

    def updating(self, update: Callable[[str, Settings], tuple]) -> Callable[[str, Settings], tuple]:
        def update_mapping(mapping_id: str, data: Settings) -> tuple:
            mapping = lambda_svc._esms.get(mapping_id)
            if not mapping or not _is_kinesis(mapping["EventSourceArn"]):
                return update(mapping_id, data)
            with self._lock:
                try:
                    settings = read_settings(data)
                except InvalidSetting as problem:
                    return _refusal(problem)
                answer = update(mapping_id, data)
                if answer[0] == 200:
                    mapping.update(settings)
                    answer = kinesis.json_response(lambda_svc._esm_response(mapping))
            self.reconcile()
            self.wake()
            return answer

        return update_mapping

    def deleting(self, delete: Callable[[str], tuple]) -> Callable[[str], tuple]:
        def delete_mapping(mapping_id: str) -> tuple:
            answer = delete(mapping_id)
            self.reconcile()
            return answer

        return delete_mapping

    def _check_new(self, data: Settings) -> dict[str, Any]:
        position = data.get("StartingPosition")
        if position not in ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"):
            raise InvalidSetting(f"StartingPosition must be TRIM_HORIZON, LATEST or AT_TIMESTAMP, got {position}.")
        timestamp = data.get("StartingPositionTimestamp")
        if (timestamp is not None) != (position == "AT_TIMESTAMP"):
            raise InvalidSetting(
                "StartingPositionTimestamp is required for AT_TIMESTAMP, and not allowed for other starting positions."
            )
        if timestamp is not None and timestamp > time.time():
            raise InvalidSetting("StartingPositionTimestamp must not be in the future.")
        if "/consumer/" in data["EventSourceArn"]:
            raise InvalidSetting(
                "Enhanced fan-out consumers are not supported by the local stack: give the stream's ARN."
            )
        stream = _stream(data)
        if stream is None:
            raise InvalidSetting(f"Stream not found: {data['EventSourceArn']}")
        _check_unmapped(data)
        self._check_permissions(data)
        return stream

    def acting(self, mapping: Settings) -> contextlib.AbstractContextManager[None]:
        """Lambda reads the stream with the role of the function."""
        name, _ = lambda_svc._resolve_request_scoped_name_and_qualifier(mapping["FunctionName"])
        _, config = lambda_svc._get_func_record_for_qualifier(name, mapping.get("Qualifier"))
        if not config:
            return permissions.acting_as(None)
        return permissions.acting_as(
            permissions.assume(config["Role"], "lambda.amazonaws.com", name, config["FunctionArn"])
        )

    def _check_permissions(self, data: Settings) -> None:
        """AWS's checks when a mapping is created: the role can read the stream and write to the destination."""
        stream = data["EventSourceArn"]
        try:
            with self.acting(data):
                for action in STREAM_ACTIONS:
                    permissions.require(action, stream)
        except (permissions.Denied, permissions.NotAssumable) as problem:
            raise InvalidSetting(
                f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                f"DescribeStream, and ListShards Actions on your stream in IAM. ({problem})"
            ) from None
        destination = _destination(data.get("DestinationConfig") or {})["OnFailure"].get("Destination", "")
        if destination.split(":")[2:3] != ["s3"]:
            return
        try:
            with self.acting(data):
                account = {"s3:resourceaccount": stream.split(":")[4]}
                permissions.require("s3:ListBucket", destination, keys=account)
        except permissions.Denied as problem:
            raise InvalidSetting(
                f"The provided execution role does not have permissions to call ListBucket on S3. ({problem})"
            ) from None

    def _set_positions(self, mapping: Settings, stream: dict[str, Any]) -> None:
        start = mapping["StartingPosition"]
        for shard_id, shard in stream["shards"].items():
            before = shard["records"]
            if start == "TRIM_HORIZON":
                before = []
            elif start == "AT_TIMESTAMP":
                since = mapping["StartingPositionTimestamp"]
                before = [r for r in before if r["ApproximateArrivalTimestamp"] < since]
            self._positions[(mapping["UUID"], shard_id)] = before[-1]["SequenceNumber"] if before else ""


def _defaults() -> Settings:
    return {
        **{key: default for key, (_, _, default) in NUMBERS.items()},
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
    }


def _check_unmapped(data: Settings) -> None:
    name, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(data.get("FunctionName", ""))
    for mapping in lambda_svc._esms.values():
        mapped = (mapping["EventSourceArn"], mapping["FunctionName"], mapping.get("Qualifier"))
        if mapped == (data["EventSourceArn"], name, qualifier):
            raise MappingExists(
                f'The event source arn (" {data["EventSourceArn"]} ") and function (" {name} ") provided '
                "mapping already exists. Please update or delete the existing mapping with UUID "
                f"{mapping['UUID']}"
            )


def _is_kinesis(arn: str) -> bool:
    return arn.startswith("arn:") and arn.split(":")[2] == "kinesis"


def _stream(mapping: Settings) -> dict[str, Any] | None:
    """The mapping's stream. None if it was deleted, even if a new stream has the same name."""
    parts = mapping["EventSourceArn"].split(":")
    stream = kinesis._streams.get_scoped(parts[4], parts[3], parts[5].partition("/")[2])
    return stream if stream and stream["StreamStatus"] == "ACTIVE" else None


def _refusal(problem: InvalidSetting) -> tuple:
    return kinesis.error_response_json(problem.code, str(problem), problem.status)
