"""Measures the Spark job on the same lines in few and in many raw objects, on the S3 of the local stack.

    .local/venv/bin/python bench/objects.py [--events 500000] [--runs 5] [--json FILE]

By default a small object has 500 events: what 720,000 events a day make with an object a minute. The runs take turns
in one process, after one of each that is not counted. Each has an empty table. The CPU time includes the emulator's,
which answers each GET.
"""

import argparse
import gzip
import importlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import spark as bench

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COUNTS = (10, 1000)


def put_objects(s3: Any, bucket: str, lines: list[str], count: int) -> None:
    """The same lines in this many objects."""
    for number in range(count):
        first, end = number * len(lines) // count, (number + 1) * len(lines) // count
        key = f"raw/year=2026/month=03/day=02/hour=00/shardId-000000000000-{first + 1}-{end}.jsonl.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress("".join(lines[first:end]).encode(), 6))


def make_lines(count: int) -> list[str]:
    chance = random.Random(7)
    lines = []
    for number in range(count):
        moment = bench.FIRST_DAY + timedelta(milliseconds=10 * number)
        arrival = {"time": bench.iso(moment), "shard_id": "shardId-000000000000", "position": 0}
        event = bench.make_event(chance, moment) | {"arrival": arrival | {"sequence_number": str(number + 1)}}
        lines.append(json.dumps(event, separators=(",", ":")) + "\n")
    return lines


def run_once(spark: "SparkSession", bucket: str, name: str) -> dict[str, float]:
    from clickstream.aws import S3Store
    from clickstream.job import execute
    from clickstream.run import Run
    from directory_store import DictionaryCatalog

    options = bench.job_options(f"s3://{bucket}/raw/", f"s3://{bucket}/{name}/", name)
    cpu, wall = bench.cpu_seconds(), time.perf_counter()
    execute(Run(options, S3Store(), DictionaryCatalog(), lambda: spark, datetime.now(timezone.utc)))
    took = {"wall": time.perf_counter() - wall, "cpu": bench.cpu_seconds() - cpu}
    return took | {"memory": bench.peak_memory_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the result as JSON too")
    arguments = parser.parse_args()
    sys.path[:0] = [str(bench.PROJECT), str(bench.PROJECT / "test" / "emulator")]
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as name:
        folder = Path(name)
        stack = importlib.import_module("emulator_stack").start_stack(folder / "emulator")
        try:
            os.environ |= {"AWS_ENDPOINT_URL": stack.endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
            os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
            spark = bench.open_spark(folder)
            lines = make_lines(arguments.events)
            buckets = {count: stack.bucket("raw") for count in COUNTS}
            for count, bucket in buckets.items():
                put_objects(stack.client("s3"), bucket, lines, count)
            took: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
            for number in range(1 + arguments.runs):
                for count, bucket in buckets.items():
                    took[count].append(run_once(spark, bucket, f"run-{number}"))
            spark.stop()
        finally:
            stack.stop()
    median = {
        count: {key: statistics.median(one[key] for one in runs[1:]) for key in ("cpu", "wall", "memory")}
        for count, runs in took.items()
    }
    for count, one in median.items():
        print(f"{count:>6,} objects: {one['wall']:.1f} s, {one['cpu']:.1f} CPU s")
    few, many = COUNTS
    print(f"{median[many]['wall'] / median[few]['wall']:.2f}x by wall time")
    if arguments.json:
        arguments.json.write_text(json.dumps({"events": arguments.events, "few": median[few], "many": median[many]}))


if __name__ == "__main__":
    main()
