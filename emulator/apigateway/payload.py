"""The event that a Lambda integration gets: payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

# AWS does not document which types are text. These are the ones that were seen on AWS; all others, and a body without
# a type, are base64. A form is not text.
TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
# They belong to one connection, not to the request.
_HOP_BY_HOP = {"connection", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"}
_HOP_BY_HOP |= {"transfer-encoding", "upgrade"}


@dataclass
class Request:
    """A request to an API, as it arrived. Header names are in lower case."""

    api_id: str
    account_id: str
    stage: dict[str, Any]
    method: str
    # With the stage's name, except for $default.
    raw_path: str
    query: str
    headers: list[tuple[str, str]]
    domain: str
    peer: str
    scheme: str
    port: int
    body: bytes = b""
    request_id: str = field(default_factory=lambda: base64.b64encode(os.urandom(11)).decode())
    arrived: float = field(default_factory=time.time)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def stage_name(self) -> str:
        return self.stage["stageName"]

    @property
    def user_agent(self) -> str:
        return self.header("user-agent") or ""

    @property
    def source_ip(self) -> str:
        return self.forwarded_for.rsplit(",", 1)[-1].strip()

    @property
    def forwarded_for(self) -> str:
        """X-Forwarded-For as the function gets it. Its last entry is the address that is connected to API Gateway.

        AWS appends that address to what the client sent. All connections to the emulator come from this machine, so
        a loopback connection stands for the network in front of the API: if its X-Forwarded-For ends with an address,
        that is the caller's, already appended. What comes before is what the caller sent, and may be forged.
        """
        given = ", ".join(value for key, value in self.headers if key == "x-forwarded-for")
        if _is_loopback(self.peer) and _is_address(given.rsplit(",", 1)[-1].strip()):
            return given
        return f"{given}, {self.peer}" if given else self.peer

    @property
    def time(self) -> str:
        """The time of arrival in the Common Log Format."""
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self.arrived))

    @property
    def time_epoch(self) -> int:
        return int(self.arrived * 1000)


def event(request: Request, route_key: str, variables: dict[str, str]) -> dict[str, Any]:
    """The event. As on AWS, what the request does not have is left out, not null."""
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.raw_path,
        "rawQueryString": request.query,
    }
    if cookies := _cookies(request):
        made["cookies"] = cookies
    made["headers"] = _headers(request)
    if parameters := _joined(parse_qsl(request.query, keep_blank_values=True)):
        made["queryStringParameters"] = parameters
    made["requestContext"] = _context(request, route_key)
    if request.body:
        made["body"], made["isBase64Encoded"] = _body(request)
    else:
        made["isBase64Encoded"] = False
    if variables:
        made["pathParameters"] = variables
    if stage_variables := request.stage.get("stageVariables"):
        made["stageVariables"] = stage_variables
    return made


def _context(request: Request, route_key: str) -> dict[str, Any]:
    return {
        "accountId": request.account_id,
        "apiId": request.api_id,
        "domainName": request.domain,
        "domainPrefix": request.domain.split(".")[0],
        "http": {
            "method": request.method,
            "path": request.raw_path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.user_agent,
        },
        "requestId": request.request_id,
        "routeKey": route_key,
        "stage": request.stage_name,
        "time": request.time,
        "timeEpoch": request.time_epoch,
    }


def _headers(request: Request) -> dict[str, str]:
    given = [
        (name, value)
        for name, value in request.headers
        if name not in _HOP_BY_HOP and name not in ("cookie", "x-forwarded-for")
    ]
    headers = _joined(given)
    headers["content-length"] = str(len(request.body))
    headers["x-amzn-trace-id"] = _trace(headers.get("x-amzn-trace-id"))
    headers["x-forwarded-for"] = request.forwarded_for
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = request.scheme
    return dict(sorted(headers.items()))


def _trace(given: str | None) -> str:
    new = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Self={new};{given}" if given else f"Root={new}"


def _cookies(request: Request) -> list[str]:
    sent = [value for name, value in request.headers if name == "cookie"]
    return [cookie.strip() for value in sent for cookie in value.split(";") if cookie.strip()]


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Several values of a name are one, with commas between them."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: Request) -> tuple[str, bool]:
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in TEXT_TYPES:
        return request.body.decode("utf-8", "replace"), False
    return base64.b64encode(request.body).decode(), True


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback
