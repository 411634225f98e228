"""Shows where the Spark job's CPU time goes, step by step.

    .local/venv/bin/python bench/spark_profile.py [--events 1000000] [--runs 2]

Each step runs with all steps before it, and its rows are thrown away. What a step costs is the difference from the one
before, in CPU seconds of all processes. Each figure is the least of --runs runs, after one that is not counted.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import spark as bench

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from clickstream.arrived import Arrived
    from clickstream.run import Run


@contextmanager
def arrived(run: "Run") -> Iterator["Arrived"]:
    """The raw objects of a run, fetched, for a table that is empty."""
    from clickstream.arrived import Arrived
    from clickstream.progress import extract_work
    from clickstream.raw import fetched

    work = extract_work(run.store, run.options, run.started)
    spark = run.start_spark(work.raw)
    with fetched(spark, run.store.downloads(), work.raw) as raw:
        yield Arrived(spark, work, raw, None, {}, run.options.dedupe_days, None)


def steps(run: "Run", found: "Arrived") -> dict[str, Callable[[], object]]:
    """What runs each step together with the ones before it."""
    from clickstream.append import load_new_rows, new_rows
    from clickstream.raw import extract_raw, extract_text
    from clickstream.rows import flatten

    def discard(rows: "DataFrame") -> Callable[[], object]:
        return lambda: rows.write.format("noop").mode("overwrite").save()

    judged = found.judge()[1]
    return {
        "unpack the objects and split the lines": discard(extract_text(found.raw)),
        "parse the lines": discard(extract_raw(found.raw)),
        "columns and hash of the content": discard(flatten(extract_raw(found.raw), "source")),
        "shuffle by id, sort, number the copies": discard(judged),
        "computed columns and privacy rules": discard(new_rows(run, found, judged)),
        "shuffle by date, sort, Parquet, counts": lambda: load_new_rows(run, found),
    }


def cpu_of(work: Callable[[], object], runs: int) -> float:
    work()
    took = []
    for _ in range(runs):
        before = bench.cpu_seconds()
        work()
        took.append(bench.cpu_seconds() - before)
    return min(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as name:
        folder = Path(name)
        print(f"making {arguments.events:,} events", file=sys.stderr)
        bench.make_raw(folder / "raw", arguments.events)
        spark = bench.open_spark(folder)
        from clickstream.run import Run
        from directory_store import DictionaryCatalog, DirectoryStore

        options = bench.job_options(f"file://{folder}/raw/", f"file://{folder}/job/", "bench")
        run = Run(options, DirectoryStore(), DictionaryCatalog(), lambda: spark, datetime.now(timezone.utc))
        with arrived(run) as found:
            upto = {step: cpu_of(work, arguments.runs) for step, work in steps(run, found).items()}
        whole = cpu_of(lambda: bench.run_once("job", spark, folder), arguments.runs)
        spark.stop()
    print(f"{arguments.events:,} events, the least of {arguments.runs} warm runs, CPU s")
    for (step, cpu), before in zip(upto.items(), [0.0, *upto.values()], strict=False):
        print(f"{step:42}{cpu - before:8.1f}")
    print(f"{'fetch, plan and commit':42}{whole - max(upto.values()):8.1f}")
    print(f"{'the whole job':42}{whole:8.1f}")


if __name__ == "__main__":
    main()
