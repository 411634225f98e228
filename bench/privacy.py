"""Measures the cost of the privacy rules in the Spark job: CPU microseconds per row, by share of affected rows.

    .local/venv/bin/python bench/privacy.py [--events 100000] [--runs 5] [--json FILE]

The same rows in memory go through `protect` and are discarded: with every rule on `keep`, then with the default rules
where no row, one row in ten and every row has an address, an e-mail and a user agent in its properties.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import spark as bench

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

sys.path.insert(0, str(bench.PROJECT / "glue-scripts"))
PERSONAL = (
    '{"ip":"198.51.100.77","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",'
    '"traits":{"email":"jane@example.com"}}'
)


def cost(frame: "DataFrame", runs: int) -> dict[str, float]:
    """The least of several runs, in seconds: what a run takes more is other work of the machine."""
    took = []
    for _ in range(1 + runs):
        cpu, wall = bench.cpu_seconds(), time.perf_counter()
        frame.write.format("noop").mode("overwrite").save()
        # A small run can take less CPU than a clock tick, and a rate is made of it.
        used = max(bench.cpu_seconds() - cpu, 0.01)
        took.append({"cpu": used, "wall": time.perf_counter() - wall, "memory": bench.peak_memory_mb()})
    return min(took[1:], key=lambda one: one["cpu"])


def main() -> None:
    from pyspark.sql import functions as F

    from clickstream.arguments import parse_privacy
    from clickstream.contract import RAW_SCHEMA
    from clickstream.privacy import protect
    from clickstream.rows import flatten
    from clickstream.settings import configure

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the result as JSON too")
    arguments = parser.parse_args()
    taken = []
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as name:
        folder = Path(name)
        bench.make_raw(folder / "raw", arguments.events)
        spark = bench.open_spark(folder)
        configure(spark, 0, 128)
        raw = spark.read.schema(RAW_SCHEMA).json(f"file://{folder}/raw/*/*/*/*/")
        events = flatten(raw).drop("content").cache()
        rows = events.count()

        def holding(every: int):
            """The rows, one in so many with personal data as a producer nests it."""
            extra = F.create_map(F.lit("context"), F.lit(PERSONAL))
            is_one = F.pmod(F.xxhash64("event_id"), F.lit(every)) == 0
            held = F.when(is_one, F.map_concat("properties", extra)).otherwise(F.col("properties"))
            return events.withColumn("properties", held).cache()

        keep, default = ('{"ip": "keep", "user_agent": "keep", "email": "keep"}', "{}")
        for label, frame, rules in (
            ("every rule on keep", events, keep),
            ("default rules, nothing personal", events, default),
            ("one row in ten", holding(10), default),
            ("every row", holding(1), default),
        ):
            protected = protect(frame, spark, parse_privacy(rules), None)
            taken.append({"label": label, **cost(protected, arguments.runs)})
            print(f"{label:34}{taken[-1]['cpu'] / rows * 1e6:8.1f} us a row", flush=True)
        spark.stop()
    if arguments.json:
        arguments.json.write_text(json.dumps({"events": rows, "taken": taken}, indent=2) + "\n")


if __name__ == "__main__":
    main()
