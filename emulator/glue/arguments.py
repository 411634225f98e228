"""Maps the arguments and settings of a Glue job to a local run, and lists those that have no effect locally."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from .spark_process import CannotStart, SparkJob

HONOURED_ENVIRONMENT = ("--customer-driver-env-vars", "--customer-executor-env-vars")

# Glue parameters that a local run does not support, with the values for which they have no effect.
NOT_HONOURED: dict[str, tuple[str, ...]] = {
    "--additional-python-modules": ("",),
    "--class": (),
    "--continuous-log-conversionPattern": (),
    "--continuous-log-logGroup": (),
    "--continuous-log-logStreamPrefix": (),
    "--datalake-formats": ("",),
    "--disable-proxy-v2": ("false",),
    "--enable-auto-scaling": ("false",),
    "--enable-continuous-cloudwatch-log": ("false",),
    "--enable-continuous-log-filter": ("false",),
    "--enable-glue-datacatalog": ("false",),
    "--enable-job-insights": ("false",),
    "--enable-lakeformation-fine-grained-access": ("false",),
    "--enable-metrics": ("false",),
    "--enable-observability-metrics": ("false",),
    "--enable-rename-algorithm-v2": ("false",),
    "--enable-s3-parquet-optimized-committer": ("false",),
    "--enable-spark-ui": ("false",),
    "--executor-cores": (),
    "--job-bookmark-from": (),
    "--job-bookmark-option": ("job-bookmark-disable",),
    "--job-bookmark-to": (),
    "--python-modules-installer-option": (),
    "--scriptLocation": (),
    "--spark-event-logs-path": (),
    "--use-postgres-driver": ("false",),
    "--user-jars-first": ("false",),
    "--write-shuffle-files-to-s3": ("false",),
    "--write-shuffle-spills-to-s3": ("false",),
}

# Cluster settings of --conf. A local run has only one process, and the local stack limits its memory.
CLUSTER_SETTINGS = (
    "spark.driver.memory",
    "spark.driver.cores",
    "spark.executor.",
    "spark.dynamicAllocation.",
    "spark.master",
    "spark.submit.deployMode",
)

# Fields of CreateJob and StartJobRun that a local run ignores.
NOT_HONOURED_FIELDS = (
    "AllocatedCapacity",
    "Connections",
    "JobRunQueuingEnabled",
    "MaintenanceWindow",
    "MaxCapacity",
    "NotificationProperty",
    "NumberOfWorkers",
    "SecurityConfiguration",
    "SourceControlDetails",
    "WorkerType",
)
LOCAL_GLUE_VERSIONS = ("5.0", "5.1")

EXECUTION_CLASSES = ("STANDARD", "FLEX")
# Glue: "Flexible job runs are supported for jobs using AWS Glue version 3.0 or later and G.1X or G.2X worker types."
FLEX_WORKER_TYPES = ("G.1X", "G.2X")
FLEX_LEAST_VERSION = (3, 0)

Fetch = Callable[[str], bytes]


@dataclass
class Plan:
    """The job to run locally, and the names of ignored settings."""

    job: SparkJob
    not_honoured: list[str] = field(default_factory=list)


def not_honoured_fields(definition: dict) -> list[str]:
    named = [name for name in NOT_HONOURED_FIELDS if definition.get(name)]
    if definition.get("ExecutionClass") == "FLEX":
        named.append("ExecutionClass FLEX (local runs start at once and keep their capacity)")
    version = definition.get("GlueVersion")
    if version and version not in LOCAL_GLUE_VERSIONS:
        named.append(f"GlueVersion {version} (local runs are Spark 3.5, as Glue 5)")
    return named


def execution_class_problem(definition: dict) -> str | None:
    """What Glue refuses about the execution class of a job, or of a run with the fields of its job."""
    execution_class = definition.get("ExecutionClass") or "STANDARD"
    if execution_class not in EXECUTION_CLASSES:
        return f"ExecutionClass must be one of {', '.join(EXECUTION_CLASSES)}, got {execution_class!r}"
    if execution_class != "FLEX":
        return None
    version = definition.get("GlueVersion") or "5.1"
    if tuple(int(part) for part in version.split(".")) < FLEX_LEAST_VERSION:
        return f"ExecutionClass FLEX needs GlueVersion 3.0 or later, got {version}"
    worker_type = definition.get("WorkerType") or "G.1X"
    if worker_type not in FLEX_WORKER_TYPES:
        return f"ExecutionClass FLEX needs WorkerType {' or '.join(FLEX_WORKER_TYPES)}, got {worker_type}"
    return None


def merged(definition: dict, run_arguments: dict, own: dict[str, str]) -> dict[str, str]:
    """Merges defaults, arguments that Glue adds, arguments of the run, and arguments that no run can override."""
    return {
        **(definition.get("DefaultArguments") or {}),
        **own,
        **run_arguments,
        **(definition.get("NonOverridableArguments") or {}),
    }


def plan(run_id: str, script_location: str, arguments: dict[str, str], fetch: Fetch) -> Plan:
    """Fetch everything that the run needs. Raises CannotStart with the reason if something is missing."""
    language = arguments.get("--job-language", "python")
    if language != "python":
        raise CannotStart(f"The local stack runs Python scripts only; --job-language is {language}.")
    conf, cluster = _conf(arguments.get("--conf", ""))
    environment: dict[str, str] = {}
    for name in HONOURED_ENVIRONMENT:
        environment |= _environment(name, arguments.get(name, ""))
    job = SparkJob(
        run_id=run_id,
        script_name=posixpath.basename(script_location) or "script.py",
        script=fetch(script_location),
        arguments=[part for pair in arguments.items() for part in pair],
        spark_conf=conf,
        environment=environment,
        py_files=_files(arguments.get("--extra-py-files", ""), fetch),
        files=_files(arguments.get("--extra-files", ""), fetch),
        jars=_files(arguments.get("--extra-jars", ""), fetch),
    )
    ignored = [
        name
        for name, value in arguments.items()
        if name in NOT_HONOURED and str(value).lower() not in NOT_HONOURED[name]
    ]
    return Plan(job, ignored + [f"--conf {key}" for key in cluster])


def _conf(value: str) -> tuple[dict[str, str], list[str]]:
    """Parses `a=1 --conf b=2`, the way to pass several settings to Glue in one parameter."""
    settings: dict[str, str] = {}
    for word in shlex.split(value):
        if word == "--conf":
            continue
        key, equals, setting = word.partition("=")
        if not equals:
            raise CannotStart(f"--conf must be key=value [--conf key=value ...], got {word!r}.")
        settings[key] = setting
    cluster = [key for key in settings if key.startswith(CLUSTER_SETTINGS)]
    return {key: setting for key, setting in settings.items() if key not in cluster}, cluster


def _environment(name: str, value: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for pair in filter(None, value.split(",")):
        key, equals, setting = pair.partition("=")
        if not equals:
            raise CannotStart(f"{name} must be KEY=value[,KEY=value ...], got {pair!r}.")
        variables[key.strip()] = setting.strip("'\"")
    return variables


def _files(locations: str, fetch: Fetch) -> dict[str, bytes]:
    return {
        posixpath.basename(location): fetch(location)
        for location in (part.strip() for part in locations.split(","))
        if location
    }
