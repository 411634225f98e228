"""Replaces MiniStack's crawlers, which find nothing: definitions, states, and crawls that run in the background."""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import statistics
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import glue

from ..core.context import Context
from ..core.paging import InvalidToken, page
from ..iam import permissions
from . import crawler_settings
from .crawl import CannotClassify, Crawl, CrawlFailed, Stopped
from .crawler_settings import InvalidDefinition

PATCHES = [
    ("ministack.services.glue", name)
    for name in (
        *("_crawlers", "_tags", "_arn", "reset", "_handle_request_sync", "_create_crawler", "_update_crawler"),
        *("_delete_crawler", "_get_crawler", "_get_crawlers", "_start_crawler", "_stop_crawler"),
        "_get_crawler_metrics",
    )
]

SERVICE = "glue.amazonaws.com"
SESSION_NAME = "AWS-Crawler"  # as Glue calls it
LOG_GROUP = "/aws-glue/crawlers"
MAX_RESULTS = 1000
STOP_SECONDS = 10

logger = logging.getLogger("emulator.glue.crawlers")


@dataclass
class Memory:
    """What is kept of a crawler beside its record: of its crawls, and of the one that runs."""

    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0
    runtimes: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"created": 0, "updated": 0, "deleted": 0})
    known_folders: set[str] = field(default_factory=set)
    own_tables: set[str] = field(default_factory=set)


_context: Context
_lock = threading.RLock()
_memories: dict[str, Memory] = {}


class _Refused(Exception):
    """An API error with its code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(context: Context) -> None:
    global _context
    _context = context
    handlers = {
        "CreateCrawler": _create,
        "UpdateCrawler": _update,
        "DeleteCrawler": _delete,
        "GetCrawler": _get,
        "GetCrawlers": _get_all,
        "ListCrawlers": _list,
        "StartCrawler": _start,
        "StopCrawler": _stop,
        "GetCrawlerMetrics": _metrics,
    }
    ours = {name: _answering(handler) for name, handler in handlers.items()}
    dispatch = glue._handle_request_sync

    def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
        handler = ours.get(headers.get("x-amz-target", "").split(".")[-1])
        if handler and not path.startswith("/iceberg"):
            return handler(json.loads(body or "{}"))
        return dispatch(method, path, headers, body, query_params)

    glue._handle_request_sync = handle
    reset = glue.reset

    def reset_crawlers() -> None:
        _end_all()
        _memories.clear()
        reset()

    glue.reset = reset_crawlers
    context.on_shutdown("Glue crawlers", _end_all)


def _answering(handler: Any) -> Any:
    def answer(data: dict) -> tuple:
        try:
            with _lock:
                return json_response(handler(data))
        except InvalidDefinition as problem:
            return error_response_json("InvalidInputException", str(problem), 400)
        except InvalidToken as problem:
            return error_response_json("InvalidInputException", str(problem), 400)
        except _Refused as problem:
            return error_response_json(problem.code, str(problem), 400)

    return answer


# ---- definitions ----


def _create(data: dict) -> dict:
    _checked(data)
    name = data["Name"]
    if name in glue._crawlers:
        raise _Refused("AlreadyExistsException", f"{get_account_id()}:{name} already exists")
    now = time.time()
    glue._crawlers[name] = {**_record(data), "State": "READY", "CrawlElapsedTime": 0, "CreationTime": now, "Version": 1}
    glue._crawlers[name]["LastUpdated"] = now
    _memories[name] = Memory()
    if data.get("Tags"):
        glue._tags[glue._arn("crawler", name)] = dict(data["Tags"])
    return {}


def _update(data: dict) -> dict:
    present = _crawler(data)
    _not_running(present)
    merged = {**{name: present[name] for name in _FIELDS if name in present}, **data}
    # A definition has the schedule as text.
    merged["Schedule"] = data.get("Schedule")
    _checked(merged)
    present.update(_record(merged), LastUpdated=time.time(), Version=present["Version"] + 1)
    return {}


_FIELDS = (
    *("Name", "Role", "DatabaseName", "Description", "Targets", "TablePrefix", "SchemaChangePolicy"),
    *("RecrawlPolicy", "Configuration", "LineageConfiguration", "LakeFormationConfiguration"),
)


def _record(data: dict) -> dict:
    defaults = {
        "SchemaChangePolicy": {
            "UpdateBehavior": crawler_settings.UPDATE,
            "DeleteBehavior": crawler_settings.DEPRECATE,
            **(data.get("SchemaChangePolicy") or {}),
        },
        "RecrawlPolicy": data.get("RecrawlPolicy") or {"RecrawlBehavior": crawler_settings.EVERYTHING},
        "Classifiers": [],
    }
    return {**{name: data[name] for name in _FIELDS if data.get(name)}, **defaults}


def _checked(data: dict) -> None:
    crawler_settings.read(data)
    try:
        _session(data)
    except permissions.NotAssumable as problem:
        raise _Refused(
            "InvalidInputException",
            f"Service is unable to assume provided role. Please verify role's TrustPolicy ({problem})",
        ) from None


def _session(definition: dict) -> permissions.Session | None:
    role = definition["Role"]
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{get_account_id()}:role/{role}"
    return permissions.assume(arn, SERVICE, SESSION_NAME, glue._arn("crawler", definition["Name"]))


def _crawler(data: dict) -> dict:
    name = data.get("Name") or ""
    found = glue._crawlers.get(name)
    if found is None:
        raise _Refused("EntityNotFoundException", f"Crawler with name {name} not found")
    return found


def _not_running(crawler: dict) -> None:
    if crawler["State"] != "READY":
        raise _Refused("CrawlerRunningException", f"Crawler with name {crawler['Name']} is currently running")


def _delete(data: dict) -> dict:
    crawler = _crawler(data)
    _not_running(crawler)
    del glue._crawlers[crawler["Name"]]
    _memories.pop(crawler["Name"], None)
    glue._tags.pop(glue._arn("crawler", crawler["Name"]), None)
    return {}


def _shown(crawler: dict) -> dict:
    if crawler["State"] == "READY":
        return crawler
    elapsed = time.time() - _memories[crawler["Name"]].started
    return {**crawler, "CrawlElapsedTime": int(elapsed * 1000)}


def _get(data: dict) -> dict:
    return {"Crawler": _shown(_crawler(data))}


def _get_all(data: dict) -> dict:
    crawlers = [_shown(crawler) for _, crawler in sorted(glue._crawlers.items())]
    return _paged(data, "Crawlers", crawlers)


def _list(data: dict) -> dict:
    wanted = data.get("Tags") or {}
    names = [
        name
        for name in sorted(glue._crawlers)
        if wanted.items() <= (glue._tags.get(glue._arn("crawler", name)) or {}).items()
    ]
    return _paged(data, "CrawlerNames", names)


def _paged(data: dict, name: str, items: list) -> dict:
    found, token = page(items, data.get("MaxResults"), data.get("NextToken"), limit=MAX_RESULTS, scope=name)
    return {name: found, **({"NextToken": token} if token else {})}


def _metrics(data: dict) -> dict:
    names = data.get("CrawlerNameList") or sorted(glue._crawlers)
    metrics = []
    for name in names:
        memory = _memories.get(name)
        if name not in glue._crawlers or memory is None:
            continue
        metrics.append(
            {
                "CrawlerName": name,
                "TimeLeftSeconds": 0.0,
                "StillEstimating": glue._crawlers[name]["State"] != "READY",
                "LastRuntimeSeconds": memory.runtimes[-1] if memory.runtimes else 0.0,
                "MedianRuntimeSeconds": statistics.median(memory.runtimes) if memory.runtimes else 0.0,
                "TablesCreated": memory.counts["created"],
                "TablesUpdated": memory.counts["updated"],
                "TablesDeleted": memory.counts["deleted"],
            }
        )
    found, token = page(metrics, data.get("MaxResults"), data.get("NextToken"), limit=MAX_RESULTS, scope="metrics")
    return {"CrawlerMetricsList": found, **({"NextToken": token} if token else {})}


# ---- crawls ----


def _start(data: dict) -> dict:
    crawler = _crawler(data)
    if crawler["State"] != "READY":
        raise _Refused("CrawlerRunningException", f"Crawler with name {crawler['Name']} has already started")
    memory = _memories[crawler["Name"]]
    memory.stop, memory.ended, memory.started = threading.Event(), threading.Event(), time.time()
    crawler.update(State="RUNNING", CrawlElapsedTime=0)
    inherited = contextvars.copy_context()
    threading.Thread(
        target=lambda: inherited.run(_run, crawler, memory), daemon=True, name=f"crawl-{crawler['Name']}"
    ).start()
    return {}


def _stop(data: dict) -> dict:
    crawler = _crawler(data)
    if crawler["State"] == "STOPPING":
        raise _Refused("CrawlerStoppingException", f"Crawler with name {crawler['Name']} is already stopping")
    if crawler["State"] != "RUNNING":
        raise _Refused("CrawlerNotRunningException", f"Crawler with name {crawler['Name']} isn't running")
    crawler["State"] = "STOPPING"
    _memories[crawler["Name"]].stop.set()
    return {}


def _run(crawler: dict, memory: Memory) -> None:
    prefix, lines = str(uuid.uuid4()), []
    clients: dict[str, Any] = {}
    status, error = "SUCCEEDED", None
    lines.append("BENCHMARK : Running Start Crawl for Crawler " + crawler["Name"])
    try:
        session = _session(crawler)
        clients = {service: _client(service, session) for service in ("s3", "glue", "logs")}
        crawl = Crawl(
            crawler_settings.read({name: crawler.get(name) for name in _FIELDS}),
            clients["s3"],
            clients["glue"],
            memory.stop,
            lines.append,
            memory.known_folders,
            memory.own_tables,
            memory.counts,
        )
        crawl.run()
    except Stopped:
        status = "CANCELLED"
    except (CannotClassify, CrawlFailed, permissions.NotAssumable) as problem:
        status, error = "FAILED", str(problem)
    except Exception as problem:
        # An error of the API, such as a right that the role lacks.
        if not hasattr(problem, "response"):
            logger.exception("crawler %s", crawler["Name"])
        status, error = "FAILED", str(problem)
    lines.append(f"ERROR : {error}" if error else f"BENCHMARK : Crawler has finished running: {status}")
    _write_log(clients.get("logs"), crawler["Name"], prefix, lines)
    _end(crawler, memory, prefix, status, error)


def _end(crawler: dict, memory: Memory, prefix: str, status: str, error: str | None) -> None:
    with _lock:
        elapsed = time.time() - memory.started
        memory.runtimes.append(elapsed)
        crawler["LastCrawl"] = {
            "Status": status,
            "LogGroup": LOG_GROUP,
            "LogStream": crawler["Name"],
            "MessagePrefix": prefix,
            "StartTime": memory.started,
            **({"ErrorMessage": error[:2048]} if error else {}),
        }
        crawler.update(State="READY", CrawlElapsedTime=int(elapsed * 1000))
        memory.ended.set()
    logger.info("crawler %s: %s %s", crawler["Name"], status, error or "")


def _end_all() -> None:
    running = [name for name, crawler in glue._crawlers.items() if crawler["State"] != "READY"]
    for name in running:
        _memories[name].stop.set()
    deadline = time.monotonic() + STOP_SECONDS
    for name in running:
        _memories[name].ended.wait(max(0.0, deadline - time.monotonic()))


def _client(service: str, session: permissions.Session | None) -> Any:
    # Imported when first needed: most runs have no crawler.
    import boto3
    from botocore.config import Config

    keys = permissions.credentials(session)
    return boto3.Session().client(
        service,
        endpoint_url=_context.endpoint,
        region_name=get_region(),
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
        config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def _write_log(logs: Any, stream: str, prefix: str, lines: list[str]) -> None:
    """All crawlers of an account write to one group, which Glue makes when it is first needed."""
    if logs is None:
        return
    target = {"logGroupName": LOG_GROUP, "logStreamName": stream}
    now = int(time.time() * 1000)
    exists = logs.exceptions.ResourceAlreadyExistsException
    try:
        with contextlib.suppress(exists):
            logs.create_log_group(logGroupName=LOG_GROUP)
        with contextlib.suppress(exists):
            logs.create_log_stream(**target)
        logs.put_log_events(**target, logEvents=[{"timestamp": now, "message": f"[{prefix}] {line}"} for line in lines])
    except Exception as problem:
        logger.error("no log of the crawler %s: %s", stream, problem)
