"""Athena's API for query executions: start, get, stop, read results. Replaces MiniStack's."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import athena

from ..core.queries import MalformedQuery, QueryFailed
from ..glue import tables
from ..iam import permissions
from ..s3 import objects
from ..trino import parser
from ..trino.server import HIVE, Trino
from . import results
from .errors import SYSTEM_ERROR, RequestRefused, failed_status
from .session import Outcome, Session
from .statements import Statement, understand

logger = logging.getLogger("athena")

_LONGEST_QUERY = 262_144
# Athena's quota for DML queries is 30 minutes. The variable shortens it.
_LONGEST_SECONDS = 30 * 60
_TIMEOUT_VARIABLE = "CLICKSTREAM_ATHENA_TIMEOUT_SECONDS"
_AT_ONCE = 2
_LOOKS_EVERY_SECONDS = 0.1
_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
_trino: Trino
_slots = threading.BoundedSemaphore(_AT_ONCE)
_running: dict[str, Session] = {}
_outcomes: dict[str, Outcome] = {}
_tokens: dict[tuple[str, str, str], tuple[dict, str]] = {}


@dataclass
class Request:
    """A checked StartQueryExecution."""

    data: dict
    statement: Statement
    workgroup: dict
    location: str
    encryption: dict | None
    query_id: str = field(default_factory=new_uuid)

    @property
    def configuration(self) -> dict:
        return _configuration(self.workgroup)


def longest_seconds() -> int:
    """How long a query may run. Raises ValueError for a value that cannot be taken."""
    given = os.environ.get(_TIMEOUT_VARIABLE, str(_LONGEST_SECONDS))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= _LONGEST_SECONDS:
        raise ValueError(
            f"{_TIMEOUT_VARIABLE} is {given!r}. It must be a whole number of seconds from 1 to {_LONGEST_SECONDS}"
        )
    return int(given)


def install(trino: Trino) -> None:
    global _trino
    _trino = trino


def answering(handler: Callable[[dict], dict]) -> Callable[[dict], tuple]:
    """Turn a rejection into Athena's InvalidRequestException."""

    @functools.wraps(handler)
    def answer(data: dict) -> tuple:
        try:
            return json_response(handler(data))
        except permissions.Denied as denial:
            return error_response_json("AccessDeniedException", str(denial), 400)
        except QueryFailed as failure:
            return error_response_json("InternalServerException", str(failure), 500)
        except (RequestRefused, MalformedQuery) as refusal:
            code = refusal.code if isinstance(refusal, RequestRefused) else "MALFORMED_QUERY"
            extra = {"AthenaErrorCode": code}
            return error_response_json("InvalidRequestException", str(refusal), 400, extra=extra)

    return answer


@answering
def start_query_execution(data: dict) -> dict:
    athena._ensure_default_workgroup()
    token = data.get("ClientRequestToken")
    key = (get_account_id(), get_region(), token or "")
    if token and key in _tokens:
        earlier, query_id = _tokens[key]
        if earlier != data:
            raise RequestRefused("Idempotent parameters do not match")
        return {"QueryExecutionId": query_id}
    permissions.require(
        "athena:GetDataCatalog",
        f"arn:aws:athena:{get_region()}:{get_account_id()}:datacatalog/AwsDataCatalog",
    )
    request = _checked(data)
    athena._executions[request.query_id] = _new_execution(request)
    if token:
        _tokens[key] = (data, request.query_id)
    context = contextvars.copy_context()
    worker = threading.Thread(target=context.run, args=(_work, request), name=f"athena-{request.query_id}", daemon=True)
    worker.start()
    return {"QueryExecutionId": request.query_id}


def _checked(data: dict) -> Request:
    sql = data.get("QueryString") or ""
    if not sql.strip() or len(sql.encode()) > _LONGEST_QUERY:
        raise RequestRefused(f"QueryString must have between 1 and {_LONGEST_QUERY} bytes")
    workgroup = _workgroup(data.get("WorkGroup") or "primary")
    if workgroup.get("State", "ENABLED") != "ENABLED":
        raise RequestRefused(f"WorkGroup {workgroup['Name']} is disabled.")
    location, encryption = _destination(data, _configuration(workgroup))
    context = data.get("QueryExecutionContext") or {}
    if (context.get("Catalog") or HIVE).lower() != HIVE:
        raise RequestRefused(f"Catalog {context['Catalog']} is not supported by the local Athena")
    return Request(data, understand(_trino, sql), workgroup, location, encryption)


def _workgroup(name: str) -> dict:
    workgroup = athena._workgroups.get(name)
    if workgroup is None:
        raise RequestRefused(f"WorkGroup {name} is not found.", "WORKGROUP_NOT_FOUND")
    return workgroup


def _configuration(workgroup: dict) -> dict:
    return workgroup.get("Configuration") or workgroup.get("WorkGroupConfiguration") or {}


def _destination(data: dict, configuration: dict) -> tuple[str, dict | None]:
    """The output location. A workgroup that enforces its configuration overrides the request."""
    own = configuration.get("ResultConfiguration") or {}
    asked = data.get("ResultConfiguration") or {}
    enforced = configuration.get("EnforceWorkGroupConfiguration", False)
    chosen = own if enforced else {**own, **asked}
    location = chosen.get("OutputLocation")
    if not location:
        raise RequestRefused(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    if not location.startswith("s3://"):
        raise RequestRefused(f"outputLocation is not a valid S3 path: {location}")
    bucket = location[5:].split("/", 1)[0]
    try:
        exists = objects.bucket_exists(bucket)
    except permissions.Denied as denial:
        raise RequestRefused(f"Unable to verify/create output bucket {bucket}. {denial}") from None
    if not exists:
        raise RequestRefused(f"Unable to verify/create output bucket {bucket}")
    return location.rstrip("/") + "/", chosen.get("EncryptionConfiguration")


def _new_execution(request: Request) -> dict:
    statement = request.statement
    result: dict[str, Any] = {"OutputLocation": f"{request.location}{request.query_id}{statement.suffix}"}
    if request.encryption:
        result["EncryptionConfiguration"] = request.encryption
    context = dict(request.data.get("QueryExecutionContext") or {})
    if "Database" in context:
        context["Database"] = context["Database"].strip("`").lower()  # awswrangler quotes it
    execution = {
        "QueryExecutionId": request.query_id,
        "Query": request.data["QueryString"],
        "StatementType": statement.kind,
        "SubstatementType": statement.name,
        "ResultConfiguration": result,
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": context,
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {},
        "WorkGroup": request.workgroup["Name"],
        "EngineVersion": _ENGINE,
    }
    if request.data.get("ExecutionParameters"):
        execution["ExecutionParameters"] = request.data["ExecutionParameters"]
    return execution


@contextlib.contextmanager
def _slot(session: Session) -> Iterator[None]:
    """Wait for one of the places of running queries. Raises QueryCancelled if the query is stopped meanwhile."""
    while not _slots.acquire(timeout=_LOOKS_EVERY_SECONDS):
        session.check()
    try:
        yield
    finally:
        _slots.release()


def _work(request: Request) -> None:
    execution = athena._executions[request.query_id]
    session = Session(
        trino=_trino,
        database=(execution["QueryExecutionContext"].get("Database") or "default").lower(),
        longest_seconds=longest_seconds(),
        query_id=request.query_id,
        workgroup=request.workgroup["Name"],
        output=request.location,
        scan_limit_bytes=request.configuration.get("BytesScannedCutoffPerQuery"),
        parameters=request.data.get("ExecutionParameters") or [],
    )
    _running[request.query_id] = session
    started = time.monotonic()
    queued = 0.0
    try:
        with _slot(session):
            queued = time.monotonic() - started
            session.check()
            execution["Status"]["State"] = "RUNNING"
            session.parameters = [parser.value(_trino, one) for one in session.parameters]
            outcome = request.statement.run(session)
            session.check()
            results.write(outcome, execution["ResultConfiguration"]["OutputLocation"])
        _outcomes[request.query_id] = outcome
        status = {"State": "SUCCEEDED"}
    except Exception as problem:
        status = failed_status(problem)
        if status.get("AthenaError", {}).get("ErrorCategory") == SYSTEM_ERROR:
            logger.error("query %s failed inside the local Athena\n%s", request.query_id, traceback.format_exc())
    finally:
        _running.pop(request.query_id, None)
    _finish(execution, status, session, started, queued)


def _finish(execution: dict, status: dict, session: Session, started: float, queued: float) -> None:
    """Set the figures first and the state last, so that a reader of SUCCEEDED sees all figures."""
    total = max(1, round((time.monotonic() - started) * 1000))
    waited = round(queued * 1000)
    execution["Statistics"] = {
        "EngineExecutionTimeInMillis": max(1, total - waited),
        "DataScannedInBytes": session.scanned,
        "TotalExecutionTimeInMillis": total,
        "QueryQueueTimeInMillis": waited,
        "ServiceProcessingTimeInMillis": 0,
        "ResultReuseInformation": {"ReusedPreviousResult": False},
        **({"DataManifestLocation": session.manifest} if session.manifest else {}),
    }
    reason = {key: value for key, value in status.items() if key != "State"}
    execution["Status"] |= {**reason, "CompletionDateTime": time.time()}
    execution["Status"]["State"] = status["State"]


def _execution(data: dict) -> dict:
    query_id = data.get("QueryExecutionId")
    execution = athena._executions.get(query_id)
    if execution is None:
        raise RequestRefused(f"QueryExecution {query_id} was not found")
    return execution


@answering
def get_query_execution(data: dict) -> dict:
    return {"QueryExecution": _execution(data)}


@answering
def get_query_results(data: dict) -> dict:
    execution = _execution(data)
    state = execution["Status"]["State"]
    if state in ("QUEUED", "RUNNING"):
        raise RequestRefused(f"Query has not yet finished. Current state: {state}")
    if state != "SUCCEEDED":
        reason = execution["Status"].get("StateChangeReason", "")
        raise RequestRefused(f"Query did not finish successfully. Final query state: {state}. {reason}".strip())
    try:
        objects.require_object(*objects.split_uri(execution["ResultConfiguration"]["OutputLocation"]))
    except permissions.Denied as denial:
        raise RequestRefused(
            f"You do not seem to have access to the S3 location of your query results. {denial}"
        ) from None
    outcome = _outcomes.get(execution["QueryExecutionId"])
    if outcome is None:
        raise RequestRefused("Could not find results")
    return results.page(outcome, data.get("NextToken"), data.get("MaxResults"))


@answering
def stop_query_execution(data: dict) -> dict:
    execution = _execution(data)
    session = _running.get(execution["QueryExecutionId"])
    if session is not None:
        session.stop()
    return {}


@answering
def list_query_executions(data: dict) -> dict:
    name = data.get("WorkGroup") or "primary"
    _workgroup(name)
    found = [(e["Status"]["SubmissionDateTime"], i) for i, e in athena._executions.items() if e["WorkGroup"] == name]
    ids = [query_id for _, query_id in sorted(found, reverse=True)]
    most = int(data.get("MaxResults") or 50)
    start = int(data["NextToken"]) if str(data.get("NextToken") or "").isdigit() else 0
    answer: dict[str, Any] = {"QueryExecutionIds": ids[start : start + most]}
    if start + most < len(ids):
        answer["NextToken"] = str(start + most)
    return answer


@answering
def delete_workgroup(data: dict) -> dict:
    name = data.get("WorkGroup") or ""
    if name == "primary":
        raise RequestRefused("Cannot delete primary workgroup")
    _workgroup(name)
    holds = [i for i, e in athena._executions.items() if e["WorkGroup"] == name]
    if holds and not data.get("RecursiveDeleteOption"):
        raise RequestRefused(f"WorkGroup {name} is not empty")
    for query_id in holds:
        athena._executions.pop(query_id, None)
        _outcomes.pop(query_id, None)
    athena._workgroups.pop(name, None)
    athena._tags.pop(athena._arn_workgroup(name), None)
    return {}


def get_table_metadata(data: dict) -> tuple:
    """MiniStack returns an empty table for an unknown name."""
    table = tables.find_table((data.get("DatabaseName") or "").lower(), (data.get("TableName") or "").lower())
    if table is None:
        message = f"Table {data.get('TableName')} not found in database {data.get('DatabaseName')}"
        return error_response_json("MetadataException", message, 400)
    return json_response({"TableMetadata": athena._glue_table_to_metadata(table.raw)})
