"""Serves requests to HTTP APIs: finds the API, stage and route, applies limits, and answers as AWS does.

An API is at `/_aws/execute-api/<api>/<stage>/<path>`, or at `/<stage>/<path>` with the Host `<api>.execute-api.<host>`.
The stage $default can be left out. A request waits for its Lambda in a thread of its own, so others are served.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core.responses import request_scope
from ministack.services import apigateway, cloudwatch

from ..core import request_log
from ..core.context import Context
from ..core.request_log import API_PATH, AsgiApp, Receive, Scope, Send
from . import answers, cors, lambda_integration, payload, routes
from .access_log import AccessLogs
from .answers import Answer
from .payload import Request
from .throttling import Throttle

PATCHES = [
    ("ministack.app", "app"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.apigateway", "decode_http_api_path"),
    ("ministack.services.apigateway", "find_api_scope"),
    ("ministack.services.cloudwatch", "record_metric"),
]

MAX_BODY_BYTES = 10 * 1024 * 1024
# The request line and the values of all headers.
MAX_HEADER_BYTES = 10_240
NAMESPACE = "AWS/ApiGateway"

logger = logging.getLogger("emulator.apigateway")


@dataclass
class Target:
    """The API of a request. `path` is what follows the API, still escaped."""

    api_id: str
    account_id: str
    region: str
    domain: str
    path: str


@dataclass
class Exchange:
    """What happened to a request: the values of the access log that the request itself does not have."""

    match: routes.Match | None = None
    integration: lambda_integration.Outcome | None = None
    error: str = ""
    error_type: str = ""
    began: float = field(default_factory=time.monotonic)

    def refuse(self, status: int, text: str, error_type: str) -> Answer:
        self.error, self.error_type = text, error_type
        return answers.message(status, text)

    def fail(self) -> Answer:
        return self.refuse(500, "Internal Server Error", "INTEGRATION_FAILURE")


class Gateway:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._throttle = Throttle()
        self._access_logs = AccessLogs()

    def serving(self, application: AsgiApp) -> AsgiApp:
        """The application, with the HTTP APIs in front of it."""

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            target = self._target(scope) if scope["type"] == "http" else None
            if target is None:
                await application(scope, receive, send)
                return
            body = await _body(receive)
            if body is None:  # the client has gone
                return
            with request_scope(target.account_id, target.region):
                answer = await self._exchange(scope, target, body)
            await _send(send, answer, scope["method"])

        return served

    def _target(self, scope: Scope) -> Target | None:
        raw = (scope.get("raw_path") or b"").decode("latin-1") or scope["path"]
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").rsplit(":", 1)[0]
        if raw.startswith(API_PATH):
            api_id, _, path = raw.removeprefix(API_PATH).partition("/")
            domain = f"{api_id}.execute-api.{self._context.host}"
        else:
            api_id, dot, rest = host.partition(".")
            if not dot or not rest.startswith("execute-api."):
                return None
            domain, path = host, raw.removeprefix("/")
        owner = apigateway.find_api_scope(api_id)
        return Target(api_id, *owner, domain, f"/{path}") if owner else None

    async def _exchange(self, scope: Scope, target: Target, body: bytes) -> Answer:
        """Answers the request, and records it."""
        api = apigateway._apis[target.api_id]
        request, path = self._request(scope, target, body)
        exchange = Exchange()
        if request is None:
            return _with_id(exchange.refuse(404, "Not Found", "-"), None)
        try:
            answer = await self._answer(api, request, path, exchange, target.region)
        except Exception:
            logger.exception("the request %s %s failed", request.method, request.raw_path)
            answer = exchange.fail()
        configuration = api.get("corsConfiguration")
        # Documented for responses of an integration only, so API Gateway's own errors have none.
        if configuration and exchange.integration and not exchange.error:
            answer.headers = [entry for entry in answer.headers if not entry[0].startswith(cors.PREFIX)]
            answer.headers += cors.answer_headers(configuration, request.header("origin"))
        # Named by its route: a path can have a secret in it.
        called = exchange.match.key if exchange.match else f"{request.method} {path}"
        request_log.asked_for("", "execute-api:Invoke", _arn(request, target.region, called))
        self._record(request, exchange, answer)
        return _with_id(answer, request.request_id)

    def _request(self, scope: Scope, target: Target, body: bytes) -> tuple[Request | None, str]:
        """The request, and its path in the stage. No request if the API has no such stage."""
        stages = apigateway._stages.get(target.api_id, {})
        first, slash, rest = target.path[1:].partition("/")
        name = unquote(first)
        path = target.path
        if name in stages:
            path = f"/{rest}" if slash else "/"
        elif routes.DEFAULT in stages:
            name = routes.DEFAULT
        else:
            return None, path
        path = apigateway.decode_http_api_path(path)
        headers = [(key.decode("latin-1").lower(), _text(value)) for key, value in scope["headers"]]
        request = Request(
            api_id=target.api_id,
            account_id=target.account_id,
            stage=stages[name],
            method=scope["method"],
            raw_path=path if name == routes.DEFAULT else f"/{name}{path}",
            query=scope.get("query_string", b"").decode("latin-1"),
            headers=headers,
            domain=target.domain,
            peer=(scope.get("client") or (self._context.host,))[0],
            scheme=scope.get("scheme", "http"),
            port=self._context.port,
            body=body,
        )
        return request, path

    async def _answer(self, api: dict, request: Request, path: str, exchange: Exchange, region: str) -> Answer:
        if _header_bytes(request) > MAX_HEADER_BYTES:
            return exchange.refuse(431, "Request Header Fields Too Large", "REQUEST_HEADER_FIELDS_TOO_LARGE")
        if len(request.body) > MAX_BODY_BYTES:
            return exchange.refuse(413, "Request Entity Too Large", "REQUEST_TOO_LARGE")
        if request.method == "OPTIONS" and api.get("corsConfiguration"):
            asked = request.header("access-control-request-method")
            return Answer(204, cors.preflight_headers(api["corsConfiguration"], request.header("origin"), asked))
        # Seen on AWS: more slashes at the start select the same route.
        single = "/" + path.lstrip("/")
        found = routes.select(apigateway._routes.get(request.api_id, {}).values(), request.method, single)
        exchange.match = found
        if found is None:
            return exchange.refuse(404, "Not Found", "MISSING_AUTHENTICATION_TOKEN")
        if not self._throttle.admits(request.api_id, request.stage, found.key):
            return exchange.refuse(429, "Too Many Requests", "THROTTLED")
        return await self._integrate(request, found, exchange, region)

    async def _integrate(self, request: Request, match: routes.Match, exchange: Exchange, region: str) -> Answer:
        integration = apigateway._integrations.get(request.api_id, {}).get(
            str(match.route.get("target", "")).removeprefix("integrations/")
        )
        if integration is None:
            return exchange.fail()
        source = _arn(request, region, match.key)
        event = payload.event(request, match.key, match.variables)
        try:
            outcome = await lambda_integration.invoke(integration, event, source, request.account_id, region)
        except lambda_integration.TimedOut:
            waited = int((time.monotonic() - exchange.began) * 1000)
            exchange.integration = lambda_integration.Outcome(504, None, "Endpoint request timed out", waited)
            return exchange.refuse(503, "Service Unavailable", "INTEGRATION_TIMEOUT")
        exchange.integration = outcome
        if outcome.status == 429:
            return exchange.refuse(503, "Service Unavailable", "INTEGRATION_FAILURE")
        if outcome.status == 413:
            return exchange.refuse(413, "Request Entity Too Large", "REQUEST_TOO_LARGE")
        if outcome.problem:
            return exchange.fail()
        try:
            return answers.of_function(outcome.payload)
        except answers.InvalidResponse as problem:
            outcome.problem = f"The response from the Lambda function doesn't match the format: {problem}"
            return exchange.fail()

    def _record(self, request: Request, exchange: Exchange, answer: Answer) -> None:
        """Write the access log and the metrics. Neither may lose the answer."""
        latency = int((time.monotonic() - exchange.began) * 1000)
        try:
            self._access_logs.write(request.api_id, request.stage, _variables(request, exchange, answer, latency))
            _measure(request, exchange, answer, latency)
        except Exception:
            logger.exception("the request %s could not be recorded", request.request_id)


def _arn(request: Request, region: str, route_key: str) -> str:
    """The ARN of a route, which permissions name."""
    route = route_key.replace(" ", "", 1)
    return f"arn:aws:execute-api:{region}:{request.account_id}:{request.api_id}/{request.stage_name}/{route}"


def _header_bytes(request: Request) -> int:
    line = len(request.method) + len(request.raw_path) + len(request.query) + len(" ? HTTP/1.1")
    return line + sum(len(value.encode()) for _, value in request.headers)


def _variables(request: Request, exchange: Exchange, answer: Answer, latency: int) -> dict[str, Any]:
    """The $context variables of the access log. Absent ones become a hyphen."""
    integration = exchange.integration or lambda_integration.Outcome(0)
    ran = exchange.integration is not None
    status = answer.status if ran and not exchange.error else None
    return {
        "accountId": request.account_id,
        "apiId": request.api_id,
        "dataProcessed": len(request.body) + len(answer.body),
        "domainName": request.domain,
        "domainPrefix": request.domain.split(".")[0],
        "error.message": exchange.error,
        "error.messageString": f'"{exchange.error}"' if exchange.error else None,
        "error.responseType": exchange.error_type,
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity.sourceIp": request.source_ip,
        "identity.userAgent": request.user_agent,
        "integration.error": integration.problem,
        "integration.integrationStatus": integration.status or None,
        "integration.latency": integration.latency_ms if ran else None,
        "integration.status": status,
        "integrationErrorMessage": integration.problem,
        "integrationLatency": integration.latency_ms if ran else None,
        "integrationStatus": integration.status or None,
        "path": request.raw_path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": request.time,
        "requestTimeEpoch": request.time_epoch,
        "responseLatency": latency,
        "responseLength": len(answer.body),
        "routeKey": exchange.match.key if exchange.match else None,
        "stage": request.stage_name,
        "status": answer.status,
    }


def _measure(request: Request, exchange: Exchange, answer: Answer, latency: int) -> None:
    """The metrics of AWS/ApiGateway, by API and by stage, and by route where the stage asks for it."""
    values: list[tuple[str, float, str]] = [
        ("Count", 1, "Count"),
        ("4xx", int(400 <= answer.status < 500), "Count"),
        ("5xx", int(answer.status >= 500), "Count"),
        ("Latency", latency, "Milliseconds"),
        ("DataProcessed", len(request.body) + len(answer.body), "Bytes"),
    ]
    if exchange.integration is not None:
        values.append(("IntegrationLatency", exchange.integration.latency_ms, "Milliseconds"))
    api = {"ApiId": request.api_id}
    dimensions = [api, {**api, "Stage": request.stage_name}]
    if exchange.match and _has_detailed_metrics(request.stage, exchange.match.key):
        method, _, resource = exchange.match.key.partition(" ")
        dimensions.append({**api, "Stage": request.stage_name, "Method": method, "Resource": resource or method})
    for name, value, unit in values:
        for dimension in dimensions:
            cloudwatch.record_metric(NAMESPACE, name, value, unit, dimension)


def _has_detailed_metrics(stage: dict[str, Any], route_key: str) -> bool:
    route = (stage.get("routeSettings") or {}).get(route_key) or {}
    default = stage.get("defaultRouteSettings") or {}
    return bool(route.get("detailedMetricsEnabled", default.get("detailedMetricsEnabled")))


# ---- ASGI ----


async def _body(receive: Receive) -> bytes | None:
    """The body, or of one that is too long its first part. None if the client has gone."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        # What is over the limit is read and dropped, so that the client gets the answer.
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        size += len(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send(send: Send, answer: Answer, method: str) -> None:
    has_body = answer.status != 204 and method != "HEAD"
    headers = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in answer.headers if name != "date"]
    headers.append((b"date", formatdate(usegmt=True).encode()))
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if has_body else b""})


def _with_id(answer: Answer, request_id: str | None) -> Answer:
    if request_id:
        answer.headers.append(("apigw-requestid", request_id))
    return answer


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def install(context: Context) -> None:
    replaced: Any = app
    replaced.app = Gateway(context).serving(app.app)
