"""Counts calls: writes each AWS request to requests.jsonl in the run's folder, one JSON object per line.

Requests over HTTP are measured here. The permission check tells who asks for what (`asked_for`). What a service does
in this process for a role is added by the part that does it (`add`). A line has names and numbers only: no header, no
query string, no body.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import dumps
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, responses, router
from ministack.services import sts

from .context import ACCOUNT_ID, REGION, Context

PATCHES = [
    ("ministack.app", "_extract_s3_vhost_bucket"),
    ("ministack.app", "_routing_params"),
    ("ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"),
    ("ministack.core.iam_actions", "_S3_BUCKET_QUERY_ACTIONS"),
    ("ministack.core.iam_actions", "_S3_OBJECT_QUERY_ACTIONS"),
    ("ministack.core.iam_actions", "_S3_QUERY_ACTIONS"),
    ("ministack.core.iam_actions", "extract_iam_action"),
    ("ministack.core.iam_actions", "extract_resource_arn"),
    ("ministack.core.router", "detect_service"),
    ("ministack.core.router", "extract_access_key_id"),
    ("ministack.core.router", "extract_region"),
    ("ministack.services.sts", "_sessions"),
]

FILE = "requests.jsonl"
# A long run keeps the last 256 MB, about a million requests.
MAX_FILE_BYTES = 64 * 1024 * 1024
OLD_FILES = 3

ROOT = f"arn:aws:iam::{ACCOUNT_ID}:root"
ANONYMOUS = "anonymous"
ATHENA = "athena.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
# The access key of Athena's engine: the account's root by its other name, so that its requests can be told apart.
ENGINE_KEY = ACCOUNT_ID

# Where the emulator itself answers: health and administration.
_OWN_PATHS = "/_ministack/"
# HTTP APIs are below it.
API_PATH = "/_aws/execute-api/"
_CBOR = re.compile(r"/service/[^/]+/operation/(\w+)")

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Asked:
    """What the permission check says of a request."""

    principal: str = ""
    action: str = ""
    resource: str = ""


@dataclass
class Measured:
    """One request over HTTP while it runs."""

    scope: Scope
    began: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    asked: Asked = field(default_factory=Asked)
    chunks: list[bytes] = field(default_factory=list)
    bytes_in: int = 0
    bytes_out: int = 0
    status: int = 0
    written: bool = False


_current: contextvars.ContextVar[Asked | None] = contextvars.ContextVar("asked", default=None)
_is_athena: contextvars.ContextVar[bool] = contextvars.ContextVar("is_athena", default=False)
_log: RequestLog | None = None


class RequestLog:
    """The file. Each line is written at once, which takes 5 µs: a killed emulator loses none."""

    def __init__(self, path: Path, max_bytes: int = MAX_FILE_BYTES, old_files: int = OLD_FILES) -> None:
        self._path, self._max_bytes, self._old_files = path, max_bytes, old_files
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        self._file = self._path.open("a", buffering=1)
        self._bytes = self._path.stat().st_size

    def write(self, line: str) -> None:
        with self._lock:
            if self._bytes and self._bytes + len(line) + 1 > self._max_bytes:
                self._rotate()
            self._file.write(line + "\n")
            self._bytes += len(line) + 1

    def _rotate(self) -> None:
        self._file.close()
        names = [self._path, *(self._path.with_suffix(f".{number}.jsonl") for number in range(1, self._old_files + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.rename(older)
        self._open()


def start(context: Context) -> None:
    global _log
    _log = RequestLog(context.state_dir / FILE)


# ---- calls in this process ----


def add(
    principal: str,
    action: str,
    resource: str,
    *,
    operation: str | None = None,
    prefix: str | None = None,
    status: int = 200,
    bytes_in: int = 0,
    bytes_out: int = 0,
    began: datetime | None = None,
) -> None:
    """Write the line of one call. `operation` is the name of the API call, where the permission has another one."""
    if _log is None:
        return
    service, _, name = action.partition(":")
    moment = began or datetime.now(timezone.utc)
    call = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "principal": principal,
        "service": service,
        "operation": operation or name,
        "action": action,
        "resource": resource,
        **({} if prefix is None else {"prefix": prefix}),
        "status": status,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
    }
    _log.write(dumps(call, separators=(",", ":")))


@contextlib.contextmanager
def as_athena() -> Iterator[None]:
    """In this context, looks at the catalog and at S3 are Athena's calls: of the DDL that it runs in this process. In
    all others they only check rights, before Trino itself makes the calls, over HTTP."""
    token = _is_athena.set(True)
    try:
        yield
    finally:
        _is_athena.reset(token)


def add_of_athena(
    action: str, resource: str, *, pages: int = 1, operation: str | None = None, prefix: str | None = None
) -> None:
    """Write the lines of a call of Athena, one for each page of its answer."""
    for _ in range(pages if _is_athena.get() else 0):
        add(ATHENA, action, resource, operation=operation, prefix=prefix)


def asked_for(access_key: str, action: str, resource: str) -> None:
    """The permission check calls this for each check of a request. The first one names the request."""
    asked = _current.get()
    if asked is not None and not asked.action:
        asked.principal, asked.action, asked.resource = _principal(access_key), action, resource


def _principal(access_key: str) -> str:
    if session := sts._sessions.get(access_key):
        return str(session.get("Arn", ""))
    if access_key == ENGINE_KEY and app.AUTH:
        return ATHENA
    return ROOT if access_key else ANONYMOUS


# ---- requests over HTTP ----


def counting(application: AsgiApp) -> AsgiApp:
    """The application, with a line for each HTTP request. The line is in the file before its client has the whole
    answer."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_OWN_PATHS):
            await application(scope, receive, send)
            return
        request = Measured(scope)

        async def received() -> Message:
            message = await receive()
            if body := message.get("body"):
                request.bytes_in += len(body)
                if not app.AUTH:  # without a permission check, the body tells the resource
                    request.chunks.append(body)
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
            elif message["type"] == "http.response.body":
                request.bytes_out += len(message.get("body", b""))
                if not message.get("more_body", False):
                    _write(request)
            await send(message)

        token = _current.set(request.asked)
        try:
            await application(scope, received, sent)
        finally:
            _current.reset(token)
            _write(request)  # the client has gone

    return counted


def _write(request: Measured) -> None:
    if request.written:
        return
    request.written = True
    path, method = request.scope["path"], request.scope["method"]
    query = parse_qs(request.scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]}
    asked = request.asked if request.asked.action else _read(method, path, headers, b"".join(request.chunks), query)
    operation, prefix = None, None
    if asked.action.startswith("s3:"):
        bucket = app._extract_s3_vhost_bucket(headers.get("host", ""))
        operation = s3_operation(method, f"/{bucket}{path}" if bucket else path, query, headers) or None
        if operation and operation.startswith("ListObject"):
            prefix = query.get("prefix", [""])[0]
    elif asked.action == "lambda:InvokeFunction":
        operation = "Invoke"
    add(
        asked.principal,
        asked.action,
        asked.resource,
        operation=operation,
        prefix=prefix,
        status=request.status,
        bytes_in=request.bytes_in,
        bytes_out=request.bytes_out,
        began=request.began,
    )


def _read(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]) -> Asked:
    """What a request says itself, where no permission was checked: AUTH=false, or an API of the stack."""
    principal = _principal(router.extract_access_key_id(headers, query))
    if path.startswith(API_PATH):
        api, _, rest = path.removeprefix(API_PATH).partition("/")
        stage, _, route = rest.partition("/")
        resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api}/{stage}/{method}/{route}"
        return Asked(principal, "execute-api:Invoke", resource)
    params = app._routing_params(method, path, headers, body, query)
    service = router.detect_service(method, path, headers, params)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
    if action is None:
        namespace = iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service) or service
        found = _CBOR.search(path)
        return Asked(principal, f"{namespace}:{found.group(1) if found else method}", "*")
    resource = iam_actions.extract_resource_arn(
        service, method, path, headers, body, params, router.extract_region(headers), responses.get_account_id()
    )
    return Asked(principal, action, resource)


# ---- the names of S3's operations ----

_BUCKET_PLAIN = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
_BUCKET_BY_QUERY = {
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "uploads"): "ListMultipartUploads",
    ("POST", "delete"): "DeleteObjects",
}
_OBJECT_PLAIN = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_OBJECT_BY_QUERY = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("PUT", "uploadId"): "UploadPart",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploadId"): "ListParts",
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}


def s3_operation(method: str, path: str, query: dict[str, Any], headers: dict[str, str]) -> str:
    """The API operation of a request about objects. Empty for configuration calls, such as PutBucketPolicy: their
    permission has the operation's name, or nearly so. IAM has fewer names: s3:ListBucket is four operations."""
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return "ListBuckets"
    by_query, plain = (_OBJECT_BY_QUERY, _OBJECT_PLAIN) if key else (_BUCKET_BY_QUERY, _BUCKET_PLAIN)
    for (wanted, name), operation in by_query.items():
        if method == wanted and name in query:
            return _COPIES.get(operation, operation) if "x-amz-copy-source" in headers else operation
    tables = (iam_actions._S3_OBJECT_QUERY_ACTIONS if key else iam_actions._S3_BUCKET_QUERY_ACTIONS,)
    if any(name in query for table in (*tables, iam_actions._S3_QUERY_ACTIONS) for name in table):
        return ""
    if method == "GET" and not key and query.get("list-type") == ["2"]:
        return "ListObjectsV2"
    operation = plain.get(method, "")
    return _COPIES.get(operation, operation) if "x-amz-copy-source" in headers else operation
