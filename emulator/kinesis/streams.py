"""Adds to MiniStack's Kinesis streams: parent shards that stay readable after a reshard, and write limits.

MiniStack deletes a shard and its records when it is split or merged, and deletes all records on UpdateShardCount. On
AWS the parents are closed, keep their records for the retention period, and report their last sequence number.

CLICKSTREAM_KINESIS_LIMITS=1 enforces the documented write limits of a shard, 1 MiB and 1,000 records a
second: PutRecord then fails with ProvisionedThroughputExceededException. PutRecords reports the error for each rejected
record and counts them in FailedRecordCount. The default is off, so that local runs do not wait.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.services import kinesis

from ..core.context import Context

PATCHES = [
    ("ministack.services.kinesis", name)
    for name in (
        "_build_shards",
        "_describe_stream_summary",
        "_expire_records",
        "_get_records",
        "_merge_shards",
        "_next_sequence_number",
        "_partition_key_to_hash",
        "_put_record",
        "_put_records",
        "_resolve_stream",
        "_route_to_shard",
        "_shard_iterators",
        "_shard_out",
        "_split_shard",
        "_streams",
        "_update_shard_count",
    )
]

SHARD_BYTES_PER_SECOND = 1024 * 1024
SHARD_RECORDS_PER_SECOND = 1000

Response = tuple[int, dict[str, str], Any]
Handler = Callable[[dict[str, Any]], Response]


def install(_context: Context) -> None:
    kinesis._expire_records = expire_records
    kinesis._route_to_shard = route_to_shard
    kinesis._shard_out = _with_end(kinesis._shard_out)
    kinesis._describe_stream_summary = _counting_open_shards(kinesis._describe_stream_summary)
    kinesis._get_records = _ending_at_closed_shards(kinesis._get_records)
    kinesis._split_shard = _keeping_parents(kinesis._split_shard, ("ShardToSplit",))
    kinesis._merge_shards = _keeping_parents(kinesis._merge_shards, ("ShardToMerge", "AdjacentShardToMerge"))
    kinesis._update_shard_count = update_shard_count
    if os.environ.get("CLICKSTREAM_KINESIS_LIMITS") == "1":
        limits = WriteLimits()
        kinesis._put_record = limits.put_record(kinesis._put_record)
        kinesis._put_records = limits.put_records(kinesis._put_records)


def is_closed(shard: dict[str, Any]) -> bool:
    return "ending_sequence_number" in shard


def parents(shard: dict[str, Any]) -> list[str]:
    """The shards that must be read completely before this one."""
    return shard.get("parents") or [
        shard[key] for key in ("parent_shard_id", "adjacent_parent_shard_id") if shard.get(key)
    ]


def expire_records(stream: dict[str, Any]) -> None:
    """Delete expired records. MiniStack copies every record of the stream on every put for that. Records are in order
    of arrival, so checking the first one is almost always enough."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        records = shard["records"]
        if records and records[0]["ApproximateArrivalTimestamp"] < cutoff:
            shard["records"] = [r for r in records if r["ApproximateArrivalTimestamp"] >= cutoff]


def route_to_shard(hash_key: int, stream: dict[str, Any]) -> str:
    """The open shard whose range contains the key. Closed shards accept no records."""
    return next(
        shard_id
        for shard_id, shard in stream["shards"].items()
        if not is_closed(shard) and int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"])
    )


def _error(code: str, message: str) -> Response:
    return kinesis.error_response_json(code, message, 400)


# ---- reshard ----------------------------------------------------------------------------------------------


def _close(shard: dict[str, Any]) -> None:
    shard["ending_sequence_number"] = kinesis._next_sequence_number()


def _in_order(shards: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(shards.items()))


def _keeping_parents(reshard: Handler, keys: tuple[str, ...]) -> Handler:
    def resharding(data: dict[str, Any]) -> Response:
        _, stream = kinesis._resolve_stream(data)
        old = {}
        for key in keys:
            shard_id = data.get(key)
            shard = stream["shards"].get(shard_id) if stream else None
            if shard and is_closed(shard):
                return _error("InvalidArgumentException", f"Shard {shard_id} is closed: it has been resharded.")
            if shard:
                old[shard_id] = shard
        answer = reshard(data)
        if answer[0] == 200 and stream:
            for shard in old.values():
                _close(shard)
            stream["shards"] = _in_order({**stream["shards"], **old})
        return answer

    return resharding


def update_shard_count(data: dict[str, Any]) -> Response:
    """Equal hash ranges over all shards (ScalingType UNIFORM_SCALING), the old ones closed as parents."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return _error("ResourceNotFoundException", f"Stream {name} not found")
    target = int(data.get("TargetShardCount") or 0)
    open_shards = {sid: shard for sid, shard in stream["shards"].items() if not is_closed(shard)}
    current = len(open_shards)
    # AWS: at most double, at least half of the current number.
    if not current / 2 <= target <= current * 2 or target < 1:
        return _error(
            "InvalidArgumentException",
            f"TargetShardCount {target} must be between half and double of the current {current} shards.",
        )
    if target != current:
        first_index = 1 + max(int(sid.split("-")[1]) for sid in stream["shards"])
        children = kinesis._build_shards(target, first_index)
        for child in children.values():
            _set_parents(child, [sid for sid, shard in open_shards.items() if _overlap(child, shard)])
        for shard in open_shards.values():
            _close(shard)
        stream["shards"] = _in_order({**stream["shards"], **children})
    return kinesis.json_response(
        {
            "StreamName": stream["StreamName"],
            "CurrentShardCount": current,
            "TargetShardCount": target,
            "StreamARN": stream["StreamARN"],
        }
    )


def _set_parents(child: dict[str, Any], shard_ids: list[str]) -> None:
    # AWS changes the layout in several steps, so that a shard has at most two parents. Here it is one step, so a
    # child can have more parents than the two that the API returns.
    child["parents"] = shard_ids
    child["parent_shard_id"], child["adjacent_parent_shard_id"] = (*shard_ids, None, None)[:2]


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return int(one["starting_hash_key"]) <= int(other["ending_hash_key"]) and int(other["starting_hash_key"]) <= int(
        one["ending_hash_key"]
    )


def _with_end(
    shard_out: Callable[[str, dict[str, Any]], dict[str, Any]],
) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    def shard_with_end(shard_id: str, shard: dict[str, Any]) -> dict[str, Any]:
        result = shard_out(shard_id, shard)
        if is_closed(shard):
            result["SequenceNumberRange"]["EndingSequenceNumber"] = shard["ending_sequence_number"]
        return result

    return shard_with_end


def _counting_open_shards(describe: Handler) -> Handler:
    def describe_summary(data: dict[str, Any]) -> Response:
        status, headers, body = describe(data)
        _, stream = kinesis._resolve_stream(data)
        if status == 200 and stream:
            summary = json.loads(body)
            summary["StreamDescriptionSummary"]["OpenShardCount"] = sum(
                not is_closed(shard) for shard in stream["shards"].values()
            )
            return kinesis.json_response(summary)
        return status, headers, body

    return describe_summary


def _ending_at_closed_shards(get_records: Handler) -> Handler:
    """The last page of a closed shard has no next iterator, which tells the reader that the shard is finished."""

    def get_page(data: dict[str, Any]) -> Response:
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        status, headers, body = get_records(data)
        stream = kinesis._streams.get(state["stream"]) if state else None
        if status != 200 or not state or not stream:
            return status, headers, body
        shard_id = state["shard_id"]
        shard = stream["shards"].get(shard_id)
        page = json.loads(body)
        if not shard or not is_closed(shard) or state["position"] + len(page["Records"]) < len(shard["records"]):
            return status, headers, body
        kinesis._shard_iterators.pop(page.pop("NextShardIterator"), None)
        page["ChildShards"] = [
            {
                "ShardId": child_id,
                "ParentShards": parents(child),
                "HashKeyRange": {
                    "StartingHashKey": child["starting_hash_key"],
                    "EndingHashKey": child["ending_hash_key"],
                },
            }
            for child_id, child in stream["shards"].items()
            if shard_id in parents(child)
        ]
        return kinesis.json_response(page)

    return get_page


# ---- write limits -----------------------------------------------------------------------------------------


class WriteLimits:
    """A token bucket of one second per shard, for bytes (data and partition key) and for records."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float, float]] = {}

    def admits(self, stream_arn: str, shard_id: str, size: int, now: float) -> bool:
        with self._lock:
            key = (stream_arn, shard_id)
            full = (now, float(SHARD_BYTES_PER_SECOND), float(SHARD_RECORDS_PER_SECOND))
            then, bytes_left, records_left = self._buckets.get(key, full)
            passed = max(now - then, 0.0)
            bytes_left = min(bytes_left + passed * SHARD_BYTES_PER_SECOND, SHARD_BYTES_PER_SECOND)
            records_left = min(records_left + passed * SHARD_RECORDS_PER_SECOND, SHARD_RECORDS_PER_SECOND)
            admitted = bytes_left >= size and records_left >= 1
            if admitted:
                bytes_left, records_left = bytes_left - size, records_left - 1
            self._buckets[key] = (now, bytes_left, records_left)
        return admitted

    def put_record(self, put: Handler) -> Handler:
        def limited(data: dict[str, Any]) -> Response:
            _, stream = kinesis._resolve_stream(data)
            refusal = self._refusal(stream, data, self._clock()) if stream else None
            return _error("ProvisionedThroughputExceededException", refusal) if refusal else put(data)

        return limited

    def put_records(self, put: Handler) -> Handler:
        def limited(data: dict[str, Any]) -> Response:
            _, stream = kinesis._resolve_stream(data)
            if not stream:
                return put(data)
            entries, now = data.get("Records", []), self._clock()
            refusals = [self._refusal(stream, entry, now) for entry in entries]
            admitted = [entry for entry, refusal in zip(entries, refusals, strict=True) if refusal is None]
            status, headers, body = put({**data, "Records": admitted})
            if status != 200:
                return status, headers, body
            answer = json.loads(body)
            stored = iter(answer["Records"])
            answer["Records"] = [
                next(stored)
                if refusal is None
                else {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": refusal}
                for refusal in refusals
            ]
            answer["FailedRecordCount"] = len(entries) - len(admitted)
            return kinesis.json_response(answer)

        return limited

    def _refusal(self, stream: dict[str, Any], entry: dict[str, Any], now: float) -> str | None:
        key = entry.get("PartitionKey") or ""
        explicit = entry.get("ExplicitHashKey")
        shard_id = kinesis._route_to_shard(int(explicit) if explicit else kinesis._partition_key_to_hash(key), stream)
        size = len(base64.b64decode(entry.get("Data") or "")) + len(key.encode())
        if self.admits(stream["StreamARN"], shard_id, size, now):
            return None
        account = stream["StreamARN"].split(":")[4]
        return f"Rate exceeded for shard {shard_id} in stream {stream['StreamName']} under account {account}."
