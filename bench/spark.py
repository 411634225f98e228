"""Measures the Spark job against a naive baseline on the same Spark, and against DuckDB.

    .local/venv/bin/python bench/spark.py [--events 1000000] [--large 5000000] [--runs 5] [--json FILE]

Each of the three runs in a separate process, once cold and then --runs times. Time and CPU (user and system, of all its
processes) are measured after Spark's start, which is the same for both. Peak memory includes everything. All three
must make the same rows. Then the job alone runs on --large events (0: not at all), cold and once more, for its memory.
bench/spark_profile.py shows where the job's time goes.
"""

import argparse
import gzip
import importlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
TASKS = ("job", "plain", "duckdb")
TARGET_RATIO = 1.5
MEMORY_LIMIT_MB = 2560
FIRST_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAYS = 5


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def make_event(chance: random.Random, moment: datetime) -> dict:
    """An event of some 600 bytes."""
    kind = chance.choice(["page_view"] * 7 + ["add_to_cart", "purchase", "search"])
    event = {
        "event_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "event_type": kind,
        "event_time": iso(moment),
        "user_id": f"user-{chance.randrange(50_000)}",
        "session_id": f"session-{chance.getrandbits(48):012x}",
        "anonymous_id": f"visitor-{chance.randrange(80_000)}",
        "page_title": f"Product {chance.randrange(2000)}",
        "utm_source": chance.choice(["newsletter", "search", "ad"]),
        "utm_medium": chance.choice(["email", "organic", "cpc"]),
        "utm_campaign": chance.choice(["spring", "sale"]),
        "os": chance.choice(["Windows", "iOS", "Android"]),
        "page_url": f"https://shop.example/category/{chance.randrange(20)}/product/{chance.randrange(2000)}",
        "referrer_url": f"https://search.example/?q=shoes+{chance.randrange(500)}",
        "device_type": chance.choice(["desktop", "mobile", "tablet"]),
        "browser": chance.choice(["Chrome", "Safari", "Firefox"]),
        "geo": {
            "ip": f"203.0.{chance.randrange(256)}.{chance.randrange(256)}",
            "country": chance.choice(["DE", "US", "FR"]),
            "city": chance.choice(["Berlin", "Boston", "Paris"]),
        },
    }
    if kind in ("add_to_cart", "purchase"):
        event |= {
            "product_id": f"p-{chance.randrange(2000)}",
            "product_name": "Runner 3",
            "product_category": "shoes",
            "product_price": round(chance.uniform(5, 200), 2),
            "quantity": chance.randrange(1, 4),
        }
    return event | {"properties": {"ab": chance.choice("AB"), "campaign": chance.choice(["none", "spring"])}}


def make_raw(folder: Path, count: int) -> None:
    """Raw objects as ingest writes them, ten in all, two events in a hundred sent twice."""
    chance = random.Random(7)
    recent: list[dict] = []
    a_file = -(-count // 10)
    for start in range(0, count, a_file):
        lines = []
        for number in range(start, min(start + a_file, count)):
            moment = FIRST_DAY + timedelta(days=DAYS) * (number / count)
            if recent and chance.random() < 0.02:
                event = chance.choice(recent)
            else:
                event = make_event(chance, moment)
                recent = [*recent[-999:], event] if number % 10 == 0 else recent
            arrival = {
                "time": iso(moment + timedelta(seconds=2)),
                "shard_id": "shardId-000000000000",
                "sequence_number": f"4963{number:052d}",
                "position": 0,
            }
            lines.append(json.dumps(event | {"arrival": arrival}, separators=(",", ":")))
        hour = FIRST_DAY + timedelta(days=DAYS) * (start / count)
        name = f"shardId-000000000000-4963{start:052d}-4963{start + len(lines) - 1:052d}.jsonl.gz"
        path = folder / f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 6))


def process_tree() -> list[int]:
    """This process and all below it."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry))
    tree = [os.getpid()]
    for pid in tree:
        tree += parents.get(pid, [])
    return tree


def cpu_seconds() -> float:
    """User and system time of the tree, of ended children too."""
    ticks = 0
    for pid in process_tree():
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory_mb() -> float:
    """The sum of what each process of the tree held at most: no less than the tree's own peak."""
    total = 0
    for pid in process_tree():
        for line in Path("/proc", str(pid), "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1])
    return total / 1024


def open_spark(folder: Path):
    """What the machine sets for both; the job sets the rest itself, the plain script leaves Spark's defaults."""
    folders = [str(PROJECT / "glue-scripts"), str(PROJECT / "test" / "glue-scripts")]
    sys.path[:0] = folders
    sys.path.append(str(PROJECT))
    # The project's Java, whatever the machine's JAVA_HOME is.
    os.environ["JAVA_HOME"] = str(importlib.import_module("emulator.core.java").java_home(17))
    spark_process = importlib.import_module("emulator.glue.spark_process")
    os.environ |= spark_process.FEW_ARENAS
    # Spark's Python workers import the same modules, by the same Python.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.Builder()
        .master("local[2]")
        .config("spark.driver.memory", spark_process.DEFAULT_DRIVER_MEMORY)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.local.dir", str(folder / "spark"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def job_options(raw: str, out: str, execution: str):
    """The job's options for these raw objects, with everything that it writes under `out`. Both end with a slash."""
    from clickstream.arguments import parse_options

    folders = {name: name for name in ("quarantine", "given_up", "rebuilt", "runs")} | {"curated": "events"}
    return parse_options(
        {"raw_path": raw, "execution": execution, "privacy": "{}", "target_file_mb": "128"}
        | {f"{name}_path": f"{out}{folder}/" for name, folder in folders.items()}
        | {"retention_hours": "24", "dedupe_days": "7"}
        | {"compaction": "off", "compaction_mb": "1", "compaction_seconds": "1", "arrived_path": "none"}
        | {"reprocess_from": "none", "reprocess_to": "none"}
    )


def run_job(spark, folder: Path, out: Path) -> None:
    from clickstream.job import execute
    from clickstream.run import Run
    from directory_store import DictionaryCatalog, DirectoryStore

    options = job_options(f"file://{folder}/raw/", f"file://{out}/", "bench")
    execute(Run(options, DirectoryStore(), DictionaryCatalog(), lambda: spark, datetime.now(timezone.utc)))


def run_once(task: str, spark, folder: Path) -> dict:
    out = folder / task
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    cpu, wall = cpu_seconds(), time.perf_counter()
    if task == "job":
        run_job(spark, folder, out)
    elif task == "plain":
        import plain_etl

        plain_etl.run(spark, f"file://{folder}/raw/*/*/*/*/", f"file://{out}/events/")
    else:
        import duckdb_etl

        duckdb_etl.run(f"{folder}/raw", f"{out}/events", "1500MB", str(folder / "duckdb-temporary"))
    took = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}
    return took | {"memory": peak_memory_mb()}


def run_task(task: str, folder: Path, runs: int) -> None:
    """A process of its own: one cold run, then the measured ones."""
    spark = open_spark(folder) if task != "duckdb" else None
    took = [run_once(task, spark, folder) for _ in range(1 + runs)]
    figures_of(task, folder).write_text(json.dumps(took))
    if spark:
        spark.stop()


def figures_of(task: str, folder: Path) -> Path:
    """Where a task's process leaves its figures: its output has the job's own log lines, which are JSON too."""
    return folder / f"{task}-figures.json"


def measure(task: str, folder: Path, runs: int) -> list[dict]:
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder), "--runs", str(runs)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"The {task} failed:\n{result.stderr[-3000:]}")
    return json.loads(figures_of(task, folder).read_text())


def measure_large(folder: Path, events: int) -> dict:
    """The job on more events. A second run in the same process holds more memory than the first."""
    print(f"making {events:,} events", file=sys.stderr)
    make_raw(folder / "raw", events)
    return measure("job", folder, 1)[-1] | {"events": events}


def fingerprint(folder: Path) -> tuple | None:
    """Row count and an order-free hash of every column whose value the copies of an event share."""
    import duckdb

    columns = [
        one.get("column", one["name"])
        for one in json.loads((PROJECT / "schema" / "clickstream.json").read_text())["fields"]
        if one.get("curated", True) and one["name"] not in ("properties", "ingested_at", "processed_at")
    ]
    # Spark writes event_time with or without a zone, by the file's timestamp type: the instant is the same.
    row = ", ".join("epoch_us(event_time)" if name == "event_time" else f"{name}::VARCHAR" for name in columns)
    return (
        duckdb.connect()
        .execute(
            f"""SELECT count(*), count(DISTINCT event_id),
              sum(hash({row}, event_date::VARCHAR, list_sort(map_entries(properties))::VARCHAR)::HUGEINT)
            FROM read_parquet('{folder}/events/*/*.parquet', hive_partitioning = true)"""
        )
        .fetchone()
    )


def summarise(runs: dict[str, list[dict]], events: int, large: dict | None) -> dict:
    """The first run of a process is cold: the JVM compiles while it runs. It is shown, the median is of the rest."""

    def medians(of: list[dict]) -> dict:
        return {key: round(statistics.median(one[key] for one in of), 2) for key in ("cpu", "wall", "memory")}

    median = {task: medians(took[1:]) for task, took in runs.items()}
    cold = {task: medians(took[:1]) for task, took in runs.items()}

    def ratios(of: dict) -> dict:
        return {key: round(of["plain"][key] / of["job"][key], 2) for key in ("cpu", "wall")}

    return {
        "benchmark": "spark",
        "events": events,
        "runs": len(runs["job"]) - 1,
        "median": median,
        "cold": cold,
        "ratio": ratios(median),
        "cold_ratio": ratios(cold),
        "large": large,
        "target": {"ratio": TARGET_RATIO, "memory_mb": MEMORY_LIMIT_MB},
        "reached": ratios(median)["cpu"] >= TARGET_RATIO
        and max(one["memory"] for one in (median["job"], large) if one) < MEMORY_LIMIT_MB,
    }


def print_table(summary: dict) -> None:
    print(f"Spark job, {summary['events']:,} events, median of {summary['runs']} and the cold run before them")
    print(f"{'':12}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'events a core-second':>24}")
    for kind in ("median", "cold"):
        for task in TASKS:
            took = summary[kind][task]
            name = task if kind == "median" else f"{task} cold"
            rate = summary["events"] / took["cpu"]
            print(f"{name:12}{took['cpu']:>10.1f}{took['wall']:>10.1f}{took['memory']:>10.0f}{rate:>24,.0f}")
    for kind, name in (("ratio", "job against plain"), ("cold_ratio", "the same, cold")):
        print(f"{name}: {summary[kind]['cpu']:.2f}x by CPU, {summary[kind]['wall']:.2f}x by wall")
    if large := summary["large"]:
        print(f"job on {large['events']:,} events: {large['cpu']:.1f} CPU s, {large['memory']:.0f} MB at the peak")
    verdict = "reached" if summary["reached"] else "MISSED"
    print(f"target {TARGET_RATIO}x by CPU under {MEMORY_LIMIT_MB} MB: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the result as JSON too")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        run_task(arguments.task, arguments.folder, arguments.runs)
        return
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as name:
        folder = Path(name)
        print(f"making {arguments.events:,} events", file=sys.stderr)
        make_raw(folder / "raw", arguments.events)
        runs = {}
        for task in TASKS:
            runs[task] = measure(task, folder, arguments.runs)
            print(f"{task}: {', '.join(format(one['wall'], '.1f') for one in runs[task])} s", file=sys.stderr)
        prints = {task: fingerprint(folder / task) for task in TASKS}
        if len(set(prints.values())) > 1:
            raise SystemExit(f"The rows differ: {prints}")
        large = measure_large(folder / "large", arguments.large) if arguments.large else None
        summary = summarise(runs, arguments.events, large)
    print_table(summary)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=2) + "\n")
    if not summary["reached"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
