"""Replaces MiniStack's Glue jobs, which only pretend to run. Here each job run is a real local Spark process.

States, errors and limits are the same as on AWS. CLICKSTREAM_GLUE_MINUTE_SECONDS sets the seconds per minute of a
job's Timeout, for tests.
"""

from __future__ import annotations

import contextvars
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import cloudwatch_logs, glue, s3

from ..core import request_log
from ..core.context import Context
from ..core.paging import InvalidToken, page
from ..iam import permissions
from . import arguments as job_arguments
from .spark_process import CannotStart, SparkProcess

PATCHES = [
    ("ministack.services.glue", name)
    for name in (
        "_jobs",
        "_job_runs",
        "_tags",
        "_arn",
        "reset",
        "_create_job",
        "_update_job",
        "_delete_job",
        "_start_job_run",
        "_get_job_run",
        "_get_job_runs",
        "_batch_stop_job_run",
    )
] + [
    ("ministack.services.s3", "_get_object_data"),
    ("ministack.services.cloudwatch_logs", "_create_log_group"),
    ("ministack.services.cloudwatch_logs", "_create_log_stream"),
    ("ministack.services.cloudwatch_logs", "_put_log_events"),
]

MINUTE_VARIABLE = "CLICKSTREAM_GLUE_MINUTE_SECONDS"
DEFAULT_TIMEOUT_MINUTES = 480  # of Glue 5
ACTIVE = ("STARTING", "RUNNING", "STOPPING")
LOG_GROUP = "/aws-glue/jobs"
LOG_GROUP_ARGUMENT = "--custom-logGroup-prefix"
SERVICE = "glue.amazonaws.com"
SESSION_NAME = "GlueJobRunnerSession"  # as Glue calls it
LOG_FLUSH_SECONDS = 0.5
MAX_STOP_SECONDS = 10

logger = logging.getLogger("emulator.glue")


@dataclass
class LiveRun:
    """An active run: its record in the API, and its process."""

    definition: dict
    record: dict
    arguments: dict[str, str]
    stop_requested: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    process: SparkProcess | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)

    def stop(self) -> None:
        self.stop_requested.set()
        if self.process:
            self.process.kill()


_context: Context
_lock = threading.RLock()
_live: dict[str, LiveRun] = {}
_warned: set[tuple[str, str]] = set()


def install(context: Context) -> None:
    global _context
    _context = context
    glue._create_job = _create_job
    glue._update_job = _update_job
    glue._delete_job = _delete_job
    glue._start_job_run = _start_job_run
    glue._get_job_run = _get_job_run
    glue._get_job_runs = _get_job_runs
    glue._batch_stop_job_run = _batch_stop_job_run
    reset = glue.reset

    def reset_jobs() -> None:
        _stop_and_wait(list(_live.values()))
        reset()

    glue.reset = reset_jobs
    context.on_shutdown("Glue job runs", lambda: _stop_and_wait(list(_live.values())))


# ---- job definitions ----


def _create_job(data: dict) -> tuple:
    name = data.get("Name")
    if not name:
        return _invalid("Name is required")
    if name in glue._jobs:
        return error_response_json("AlreadyExistsException", f"Job with name {name} already submitted.", 400)
    problem = _definition_problem(data)
    if problem:
        return _invalid(problem)
    now = _now()
    definition = {key: value for key, value in data.items() if key != "Tags"}
    glue._jobs[name] = {**_defaults(), **definition, "CreatedOn": now, "LastModifiedOn": now}
    glue._job_runs[name] = []
    if data.get("Tags"):
        glue._tags[glue._arn("job", name)] = dict(data["Tags"])
    _warn_once(name, job_arguments.not_honoured_fields(definition))
    return json_response({"Name": name})


def _update_job(data: dict) -> tuple:
    name = data.get("JobName") or ""
    if name not in glue._jobs:
        return _job_not_found(name)
    update = data.get("JobUpdate") or {}
    problem = _definition_problem(update)
    if problem:
        return _invalid(problem)
    # UpdateJob overwrites the whole definition. Fields that are not in the update get their defaults.
    created = glue._jobs[name]["CreatedOn"]
    glue._jobs[name] = {**_defaults(), "Name": name, **update, "CreatedOn": created, "LastModifiedOn": _now()}
    _warn_once(name, job_arguments.not_honoured_fields(update))
    return json_response({"JobName": name})


def _delete_job(data: dict) -> tuple:
    name = data.get("JobName") or ""
    _stop_and_wait([run for run in list(_live.values()) if run.record["JobName"] == name])
    glue._jobs.pop(name, None)
    glue._job_runs.pop(name, None)
    glue._tags.pop(glue._arn("job", name), None)
    return json_response({"JobName": name})


def _defaults() -> dict:
    return {
        "JobMode": "SCRIPT",
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "MaxRetries": 0,
        "Timeout": DEFAULT_TIMEOUT_MINUTES,
        "GlueVersion": "5.1",
    }


def _definition_problem(definition: dict) -> str | None:
    command = definition.get("Command") or {}
    if not command:
        return "Command is required"
    if not definition.get("Role"):
        return "Role is required"
    if command.get("Name") != "glueetl":
        return f"The local stack runs Spark jobs (Command.Name glueetl) only, got {command.get('Name')!r}"
    if not command.get("ScriptLocation"):
        return "Command.ScriptLocation is required"
    return job_arguments.execution_class_problem(definition)


# ---- job runs ----


def _start_job_run(data: dict) -> tuple:
    name = data.get("JobName") or ""
    with _lock:
        definition = glue._jobs.get(name)
        if not definition:
            return _job_not_found(name)
        try:
            _session(definition)
        except permissions.NotAssumable as problem:
            role = definition["Role"]
            return _invalid(f"Role {role} should be given assume role permissions for Glue Service. ({problem})")
        previous = None
        if data.get("JobRunId"):
            previous = _find_run(name, data["JobRunId"])
            if previous is None:
                return _run_not_found(data["JobRunId"])
        problem = job_arguments.execution_class_problem({**definition, **data})
        if problem:
            return _invalid(problem)
        limit = (definition.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1
        active = [run for run in glue._job_runs.get(name, []) if run["JobRunState"] in ACTIVE]
        if len(active) >= limit:
            return error_response_json("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}", 400)
        run = _new_run(definition, data, previous)
    _warn_once(name, job_arguments.not_honoured_fields(data))
    # A new thread has an empty context. The copy gives it the account and region.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_supervise, run), daemon=True, name=f"glue-{name}").start()
    return json_response({"JobRunId": run.record["Id"]})


def _new_run(definition: dict, data: dict, previous: dict | None) -> LiveRun:
    attempt = previous["Attempt"] + 1 if previous else 0
    run_id = f"{previous['Id'].split('_attempt_')[0]}_attempt_{attempt}" if previous else f"jr_{secrets.token_hex(32)}"
    given = data.get("Arguments") or (previous or {}).get("Arguments") or {}
    now = _now()
    record = {
        "Id": run_id,
        "Attempt": attempt,
        "JobName": definition["Name"],
        "JobMode": "SCRIPT",
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": dict(given),
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": data.get("Timeout") or definition.get("Timeout") or DEFAULT_TIMEOUT_MINUTES,
        "LogGroupName": given.get(LOG_GROUP_ARGUMENT)
        or (definition.get("DefaultArguments") or {}).get(LOG_GROUP_ARGUMENT)
        or LOG_GROUP,
        "GlueVersion": definition.get("GlueVersion"),
    }
    for name in ("MaxCapacity", "WorkerType", "NumberOfWorkers", "SecurityConfiguration", "ExecutionClass"):
        value = data.get(name) or definition.get(name)
        if value:
            record[name] = value
    if previous:
        record["PreviousRunId"] = previous["Id"]
    own = {"--JOB_NAME": definition["Name"], "--JOB_RUN_ID": run_id}
    run = LiveRun(dict(definition), record, job_arguments.merged(definition, given, own))
    glue._job_runs.setdefault(definition["Name"], []).append(record)
    _live[run_id] = run
    return run


def _supervise(first: LiveRun) -> None:
    """Run the job, and retry up to MaxRetries times if it fails."""
    run: LiveRun | None = first
    while run:
        # From here on, the job's role makes the calls, not the role of the caller.
        with permissions.acting_as(_session(run.definition)):
            try:
                state, error = _run(run)
            except permissions.Denied as denial:
                state, error = "FAILED", str(denial)
            except Exception as problem:
                logger.exception("job run %s", run.record["Id"])
                state, error = "FAILED", f"The local Glue could not run the job: {problem}"
            _flush_logs(run)
        run = _end(run, state, error)


def _session(definition: dict) -> permissions.Session | None:
    """Assume the job's role as Glue does. Raises permissions.NotAssumable."""
    role = definition["Role"]
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{get_account_id()}:role/{role}"
    return permissions.assume(arn, SERVICE, SESSION_NAME, glue._arn("job", definition["Name"]))


def _end(run: LiveRun, state: str, error: str | None) -> LiveRun | None:
    retry = None
    with _lock:
        # The retry takes its slot before this run frees it, so that no other run can start in between.
        if state == "FAILED" and run.record["Attempt"] < (run.definition.get("MaxRetries") or 0):
            retry = _new_run(run.definition, {"Timeout": run.record["Timeout"]}, run.record)
        now = _now()
        run.record.update(
            CompletedOn=now,
            LastModifiedOn=now,
            ExecutionTime=round(now - run.record["StartedOn"]),
            **({"ErrorMessage": error} if error else {}),
        )
        run.record["JobRunState"] = state
        _live.pop(run.record["Id"], None)
        run.ended.set()
    logger.info("Glue job run %s of %s: %s %s", run.record["Id"], run.record["JobName"], state, error or "")
    return retry


def _run(run: LiveRun) -> tuple[str, str | None]:
    run_id, minutes = run.record["Id"], run.record["Timeout"]
    deadline = time.monotonic() + minutes * float(os.environ.get(MINUTE_VARIABLE, "60"))
    try:
        plan = job_arguments.plan(run_id, run.definition["Command"]["ScriptLocation"], run.arguments, _fetch)
        _warn_once(run.record["JobName"], plan.not_honoured)
        with _lock:
            if run.stop_requested.is_set():
                return "STOPPED", None
            log_dir = _context.state_dir / "glue" / run_id
            plan.job.credentials = permissions.credentials(_session(run.definition))
            run.process = SparkProcess(_context, plan.job, log_dir, lambda kind, line: run.lines.append((kind, line)))
            _set_state(run, "RUNNING")
    except CannotStart as problem:
        return "FAILED", str(problem)
    timed_out = False
    while not run.process.has_ended(within_seconds=LOG_FLUSH_SECONDS):
        _flush_logs(run)
        if time.monotonic() > deadline:
            timed_out = True
            run.process.kill()
    error = run.process.close()
    if run.stop_requested.is_set():
        return "STOPPED", None
    if timed_out:
        return "TIMEOUT", f"The job run exceeded its timeout of {minutes} minutes."
    return ("FAILED", error) if error else ("SUCCEEDED", None)


def _fetch(location: str) -> bytes:
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a") or not key:
        raise CannotStart(f"Not an S3 location: {location!r}. It must be s3://bucket/key.")
    arn = f"arn:aws:s3:::{bucket}/{key}"
    permissions.require("s3:GetObject", arn)
    content = s3._get_object_data(bucket, key)
    status, size = (404, 0) if content is None else (200, len(content))
    request_log.add(permissions.caller(), "s3:GetObject", arn, status=status, bytes_out=size)
    if content is None:
        raise CannotStart(f"The object {location} does not exist.")
    return bytes(content)


def _get_job_run(data: dict) -> tuple:
    name, run_id = data.get("JobName") or "", data.get("RunId") or ""
    if name not in glue._jobs:
        return _job_not_found(name)
    record = _find_run(name, run_id)
    return json_response({"JobRun": record}) if record else _run_not_found(run_id)


def _get_job_runs(data: dict) -> tuple:
    name = data.get("JobName") or ""
    if name not in glue._jobs:
        return _job_not_found(name)
    newest_first = list(reversed(glue._job_runs.get(name, [])))
    try:
        records, token = page(newest_first, data.get("MaxResults"), data.get("NextToken"), limit=200, scope=name)
    except InvalidToken as problem:
        return _invalid(str(problem))
    return json_response({"JobRuns": records, **({"NextToken": token} if token else {})})


def _batch_stop_job_run(data: dict) -> tuple:
    name = data.get("JobName") or ""
    stopped, errors, runs = [], [], []
    for run_id in data.get("JobRunIds") or []:
        with _lock:
            record, live = _find_run(name, run_id), _live.get(run_id)
            if live:
                _set_state(live, "STOPPING")
        if live:
            runs.append(live)
            stopped.append({"JobName": name, "JobRunId": run_id})
        elif record:
            errors.append(_stop_error(name, run_id, "InvalidInputException", f"JobRun is {record['JobRunState']}"))
        else:
            errors.append(_stop_error(name, run_id, "EntityNotFoundException", "JobRun not found"))
    _stop_and_wait(runs)
    return json_response({"SuccessfulSubmissions": stopped, "Errors": errors})


def _stop_error(job_name: str, run_id: str, code: str, message: str) -> dict:
    detail = {"ErrorCode": code, "ErrorMessage": message}
    return {"JobName": job_name, "JobRunId": run_id, "ErrorDetail": detail}


def _stop_and_wait(runs: Iterable[LiveRun]) -> None:
    for run in runs:
        with _lock:  # Kills the process, or prevents its start.
            run.stop()
    deadline = time.monotonic() + MAX_STOP_SECONDS
    for run in runs:
        run.ended.wait(max(0.0, deadline - time.monotonic()))


# ---- helpers ----


def _set_state(run: LiveRun, state: str) -> None:
    run.record["JobRunState"] = state
    run.record["LastModifiedOn"] = _now()


def _find_run(job_name: str, run_id: str) -> dict | None:
    return next((run for run in glue._job_runs.get(job_name, []) if run["Id"] == run_id), None)


def _flush_logs(run: LiveRun) -> None:
    """Write the script's output to the log groups that Glue uses, in a stream named after the run."""
    count = len(run.lines)  # The readers may append more lines at the same time.
    lines = run.lines[:count]
    del run.lines[:count]
    stream, now = run.record["Id"], int(time.time() * 1000)
    for kind in ("output", "error"):
        events = [{"timestamp": now, "message": line} for line_kind, line in lines if line_kind == kind]
        if events:
            group = f"{run.record['LogGroupName']}/{kind}"
            try:
                _write_log({"logGroupName": group, "logStreamName": stream}, events)
            except permissions.Denied as denial:
                logger.error("no log in %s: %s", group, denial)


def _write_log(target: dict[str, str], events: list[dict]) -> None:
    group = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{target['logGroupName']}"
    if target["logGroupName"] not in cloudwatch_logs._log_groups:
        permissions.require("logs:CreateLogGroup", group)
        cloudwatch_logs._create_log_group(target)
    stream = f"{group}:log-stream:{target['logStreamName']}"
    permissions.require("logs:CreateLogStream", stream)
    cloudwatch_logs._create_log_stream(target)
    permissions.require("logs:PutLogEvents", stream)
    cloudwatch_logs._put_log_events({**target, "logEvents": events})
    size = sum(len(event["message"].encode()) for event in events)
    request_log.add(permissions.caller(), "logs:PutLogEvents", stream, bytes_in=size)


def _warn_once(job_name: str, names: Iterable[str]) -> None:
    with _lock:
        new = [name for name in names if (job_name, name) not in _warned]
        _warned.update((job_name, name) for name in new)
    if new:
        _context.warn(f"Glue job {job_name}: ignored by the local stack: {', '.join(new)}")


def _now() -> float:
    return round(time.time(), 3)


def _invalid(message: str) -> tuple:
    return error_response_json("InvalidInputException", message, 400)


def _job_not_found(name: str | None) -> tuple:
    return error_response_json("EntityNotFoundException", f"Job {name} not found", 400)


def _run_not_found(run_id: str | None) -> tuple:
    return error_response_json("EntityNotFoundException", f"Job run {run_id} not found", 400)
