"""The local Spark process of a Glue job run: its folder, configuration, environment and end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..core import java, reaper
from ..core.context import Context

RUN_VARIABLE = "CLICKSTREAM_GLUE_RUN"
MEMORY_VARIABLE = "CLICKSTREAM_SPARK_DRIVER_MEMORY"
# Enough for 5,000,000 events in one run (npm run bench -- spark).
DEFAULT_DRIVER_MEMORY = "1g"
# By default glibc keeps freed memory in up to eight arenas a core, 0.4 GB more for a JVM with many threads. Hadoop sets
# this for its JVMs too.
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
# More cores would need more memory than a laptop's local stack should take.
MAX_CORES = 4

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
# Turns off the optimising compiler, which took over a third of a small job's CPU time (7 of 18 s). A job with much data
# can turn it on with --conf spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=4.
FAST_START = "-XX:TieredStopAtLevel=1"

RUNNER = Path(__file__).with_name("spark_runner.py")
GLUE_LIBS = Path(__file__).with_name("libs")

# These settings decide what a reader sees while a job writes. Version 2 publishes a task's files when the task ends,
# like Glue's committer for Parquet. Glue writes no _SUCCESS file.
COMMITTER = {
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}

CREDENTIALS = "com.amazonaws.auth.EnvironmentVariableCredentialsProvider"

LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.metrics.name = org.apache.hadoop.metrics2.impl.MetricsConfig
logger.metrics.level = error
"""


class CannotStart(Exception):
    """The run cannot be started. The message becomes its ErrorMessage."""


@dataclass
class SparkJob:
    """The parts of a job that a run needs: script, arguments, and files from Glue's special parameters."""

    run_id: str
    script_name: str
    script: bytes
    arguments: list[str]
    spark_conf: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)
    py_files: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    jars: dict[str, bytes] = field(default_factory=dict)


class SparkProcess:
    """Started by the constructor. Check with `has_ended`, stop with `kill`, and call `close` at the end."""

    def __init__(self, context: Context, job: SparkJob, log_dir: Path, on_line: Callable[[str, str], None]) -> None:
        self._marker = f"{RUN_VARIABLE}={job.run_id}"
        self._folder = context.temp_dir / "glue" / job.run_id
        self._outcome_file = self._folder / "outcome.json"
        try:
            command, environment = _prepare(context, job, self._folder, self._outcome_file)
            self._process = subprocess.Popen(
                command,
                cwd=self._folder / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        log_dir.mkdir(parents=True, exist_ok=True)
        self._readers = [
            _read_lines(self._process.stdout, log_dir / "stdout.log", lambda line: on_line("output", line)),
            _read_lines(self._process.stderr, log_dir / "stderr.log", lambda line: on_line("error", line)),
        ]

    def has_ended(self, within_seconds: float) -> bool:
        try:
            self._process.wait(timeout=within_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill the script, its JVM and its Python workers in any process group, and wait for their end."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        reaper.kill_run(self._marker)

    def close(self) -> str | None:
        """Clean up after the end. Returns None if the run succeeded, otherwise its error."""
        self.kill()  # A JVM or worker that is still running would keep the pipes and the folder open.
        for reader in self._readers:
            reader.join(timeout=5)
        error = self._error()
        shutil.rmtree(self._folder, ignore_errors=True)
        return error

    def _error(self) -> str | None:
        code = self._process.returncode
        if self._outcome_file.exists():
            error = json.loads(self._outcome_file.read_text())["error"]
            if error or code == 0:
                return error
        if code < 0:
            return f"The driver process was killed by {signal.Signals(-code).name}."
        return f"The driver process ended with exit code {code} and wrote no outcome."


def _prepare(context: Context, job: SparkJob, folder: Path, outcome: Path) -> tuple[list[str], dict[str, str]]:
    jars = sorted((context.project_root / ".local" / "jars").glob("*.jar"))
    if not jars:
        raise CannotStart(
            "The jars that let Spark read s3:// are missing. Run `.local/venv/bin/python "
            "emulator/core/jars.py --list emulator/glue/spark-jars.json --dest .local/jars`."
        )
    for name in ("work", "conf", "local", "tmp", "py", "jars"):
        (folder / name).mkdir(parents=True)
    for name, contents in (("work", job.files), ("py", job.py_files), ("jars", job.jars)):
        for file_name, content in contents.items():
            (folder / name / file_name).write_bytes(content)
    script = folder / job.script_name
    script.write_bytes(job.script)
    jars += sorted((folder / "jars").glob("*.jar"))
    own = _spark_conf(context, folder, jars)
    conf = {**own, **job.spark_conf}
    if JAVA_OPTIONS in job.spark_conf:
        conf[JAVA_OPTIONS] = f"{own[JAVA_OPTIONS]} {job.spark_conf[JAVA_OPTIONS]}"
    (folder / "conf" / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in conf.items()))
    (folder / "conf" / "log4j2.properties").write_text(LOG4J)
    command = [str(context.python), str(RUNNER), str(outcome), str(script), *job.arguments]
    return command, _environment(context, job, folder)


def _spark_conf(context: Context, folder: Path, jars: list[Path]) -> dict[str, str]:
    cores = min(MAX_CORES, os.cpu_count() or 1)
    return {
        "spark.master": f"local[{cores}]",
        "spark.driver.memory": os.environ.get(MEMORY_VARIABLE, DEFAULT_DRIVER_MEMORY),
        "spark.driver.host": context.host,
        "spark.driver.bindAddress": context.host,
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        JAVA_OPTIONS: f"{FAST_START} -Duser.timezone=UTC -Djava.io.tmpdir={folder / 'tmp'}",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint": context.endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": context.region,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.aws.credentials.provider": CREDENTIALS,
        "spark.hadoop.fs.s3a.buffer.dir": str(folder / "tmp"),
        **COMMITTER,
    }


def _environment(context: Context, job: SparkJob, folder: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in context.child_env().items()
        if not name.startswith(("AWS_", "SPARK_", "PYSPARK_", "HADOOP_", "PYTHON"))
    }
    # Zips and wheels can be imported directly. All .py files are in one folder.
    archives = [str(folder / "py" / name) for name in job.py_files if not name.endswith(".py")]
    return {
        **inherited,
        "TZ": "UTC",
        "LANG": "C.UTF-8",
        **FEW_ARENAS,
        **job.environment,
        RUN_VARIABLE: job.run_id,
        "JAVA_HOME": str(_java_home()),
        "PYTHONPATH": os.pathsep.join([str(GLUE_LIBS), str(folder / "py"), *archives]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYSPARK_PYTHON": str(context.python),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_IP": context.host,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "TMPDIR": str(folder / "tmp"),
        "AWS_ENDPOINT_URL": context.endpoint,
        "AWS_REGION": context.region,
        "AWS_DEFAULT_REGION": context.region,
        **job.credentials,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _java_home() -> Path:
    try:
        return java.java_home(java.SPARK)
    except java.JavaMissing as problem:
        raise CannotStart(str(problem)) from None


def _read_lines(stream: IO[bytes] | None, path: Path, on_line: Callable[[str], None]) -> threading.Thread:
    def read() -> None:
        with path.open("wb", buffering=0) as file:
            for line in stream or ():
                file.write(line)
                on_line(line.decode("utf-8", "replace").rstrip("\r\n"))

    thread = threading.Thread(target=read, daemon=True, name=f"glue-{path.stem}")
    thread.start()
    return thread
