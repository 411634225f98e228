"""Checks what is created or updated: AWS's refusals, and what the local stack does not have.

MiniStack stores any setting and ignores those that it does not know. Here, a setting that has no effect is refused.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ministack.services import apigateway

from ..core.request_log import API_PATH
from . import access_log, cors, lambda_integration, routes, throttling

CHECKED = (
    "_create_api",
    "_update_api",
    "_create_route",
    "_update_route",
    "_create_integration",
    "_update_integration",
    "_delete_integration",
    "_create_stage",
    "_update_stage",
)
# What the local stack does not have at all.
ABSENT = {
    "_create_authorizer": "authorizers",
    "_create_deployment": "deployments: create the stage with autoDeploy",
    "_create_domain_name": "custom domain names",
    "_create_route_response": "route responses",
    "_create_integration_response": "integration responses",
}
PATCHES = [
    *access_log.PATCHES,
    *lambda_integration.PATCHES,
    *(
        ("ministack.services.apigateway", name)
        for name in (
            *CHECKED,
            *ABSENT,
            "_apigw_error",
            "_apis",
            "_integrations",
            "_routes",
            "_stages",
            "handle_request",
        )
    ),
]

TIMEOUT_MILLIS = (50, 30_000)
_FUNCTION = re.compile(r"arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?")
_FUNCTION_URI = re.compile(
    rf"arn:aws:apigateway:[\w-]+:lambda:path/2015-03-31/functions/{_FUNCTION.pattern}/invocations"
)

Data = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """AWS, or the local stack, does not take this."""

    def __init__(self, text: str, code: str = "BadRequestException", status: int = 400) -> None:
        super().__init__(text)
        self.code, self.status = code, status


def install(endpoint: str) -> None:
    service: Any = apigateway
    checks: dict[str, Callable[..., None]] = {
        "_create_api": _check_new_api,
        "_update_api": _check_api_update,
        "_create_route": lambda api_id, data: _check_route(api_id, "", data),
        "_update_route": _check_route,
        "_create_integration": lambda api_id, data: _check_integration(data),
        "_update_integration": _check_integration_update,
        "_delete_integration": _check_integration_is_unused,
        "_create_stage": _check_new_stage,
        "_update_stage": _check_stage_update,
    }
    for name, check in checks.items():
        setattr(service, name, _checked(getattr(service, name), check))
    for name, what in ABSENT.items():
        setattr(service, name, _refusing(what))
    service._create_api = _with_endpoint(service._create_api, endpoint)
    service.handle_request = _with_stage_parts(service.handle_request)


def _checked(function: Callable[..., Answer], check: Callable[..., None]) -> Callable[..., Answer]:
    @functools.wraps(function)
    def checked(*arguments: Any) -> Answer:
        try:
            check(*arguments)
        except Refused as refusal:
            return apigateway._apigw_error(refusal.code, str(refusal), refusal.status)
        return function(*arguments)

    return checked


def _refusing(what: str) -> Callable[..., Answer]:
    def refuse(*_arguments: Any) -> Answer:
        return apigateway._apigw_error("BadRequestException", f"The local stack does not have {what}", 400)

    return refuse


def _with_endpoint(create: Callable[[Data], Answer], endpoint: str) -> Callable[[Data], Answer]:
    """MiniStack's endpoint has the API as a subdomain of an IP address, which no resolver knows."""

    def created(data: Data) -> Answer:
        status, headers, body = create(data)
        if status != 201:
            return status, headers, body
        api = json.loads(body)
        api["apiEndpoint"] = f"{endpoint}{API_PATH}{api['apiId']}"
        apigateway._apis[api["apiId"]]["apiEndpoint"] = api["apiEndpoint"]
        return status, headers, json.dumps(api).encode()

    return created


def _only(data: Data, known: set[str], harmless: dict[str, tuple]) -> None:
    """Refuse members that have no effect here. `harmless` are values that change nothing on AWS either."""
    for name, value in data.items():
        if name in known or value in (None, "", [], {}):
            continue
        if name not in harmless or value not in harmless[name]:
            allowed = f": only {' or '.join(map(str, harmless[name]))}" if name in harmless else ""
            raise Refused(f"The local stack does not support {name}={json.dumps(value)}{allowed}")


# ---- APIs ----

_API_MEMBERS = {"corsConfiguration", "description", "name", "protocolType", "tags", "version"}
_API_HARMLESS: dict[str, tuple] = {
    "apiKeySelectionExpression": ("$request.header.x-api-key",),
    "disableExecuteApiEndpoint": (False,),
    "disableSchemaValidation": (False,),
    "ipAddressType": ("ipv4",),
    "routeSelectionExpression": ("$request.method $request.path", "${request.method} ${request.path}"),
}


def _check_new_api(data: Data) -> None:
    if data.get("protocolType") != "HTTP":
        raise Refused(f"The local stack has HTTP APIs only, got protocolType {data.get('protocolType')}")
    if not data.get("name"):
        raise Refused("name must be set")
    _check_api(data)


def _check_api_update(_api_id: str, data: Data) -> None:
    _check_api(data)


def _check_api(data: Data) -> None:
    _only(data, _API_MEMBERS, _API_HARMLESS)
    if found := cors.problem(data.get("corsConfiguration") or {}):
        raise Refused(found)


# ---- routes ----


def _check_route(api_id: str, route_id: str, data: Data) -> None:
    """A new route has no id yet."""
    if api_id not in apigateway._apis:
        return  # MiniStack reports it
    _only(
        data,
        {"routeKey", "target"},
        {"apiKeyRequired": (False,), "authorizationType": ("NONE",), "operationName": ()},
    )
    if not route_id or "routeKey" in data:
        key = data.get("routeKey")
        if found := routes.problem(key):
            raise Refused(f"The provided route key is not formatted properly: {key!r} {found}")
        others = (route for route in apigateway._routes.get(api_id, {}).values() if route["routeId"] != route_id)
        if any(other["routeKey"] == key for other in others):
            raise Refused(f"Route with key {key} already exists for this API", "ConflictException", 409)
    if target := data.get("target"):
        kind, _, integration = str(target).partition("/")
        if kind != "integrations" or integration not in apigateway._integrations.get(api_id, {}):
            raise Refused(
                f"Invalid target {target!r}: it must be integrations/ and the id of an integration of this API"
            )


# ---- integrations ----

_INTEGRATION_MEMBERS = {"description", "integrationType", "integrationUri", "payloadFormatVersion", "timeoutInMillis"}
_INTEGRATION_HARMLESS: dict[str, tuple] = {"connectionType": ("INTERNET",), "integrationMethod": ("POST",)}


def _check_integration(data: Data) -> None:
    kind, version = data.get("integrationType"), data.get("payloadFormatVersion")
    if kind != "AWS_PROXY" or data.get("integrationSubtype"):
        subtype = f" ({data['integrationSubtype']})" if data.get("integrationSubtype") else ""
        raise Refused(f"The local stack has Lambda integrations (AWS_PROXY) only, got integrationType {kind}{subtype}")
    if version != "2.0":
        raise Refused(f"The local stack has payloadFormatVersion 2.0 only, got {version}")
    _only(data, _INTEGRATION_MEMBERS, _INTEGRATION_HARMLESS)
    uri = str(data.get("integrationUri", ""))
    if not _FUNCTION.fullmatch(uri) and not _FUNCTION_URI.fullmatch(uri):
        raise Refused(f"Invalid integrationUri {uri!r}: it must be the ARN of a Lambda function, or its invoke ARN")
    low, high = TIMEOUT_MILLIS
    timeout = data.get("timeoutInMillis")
    if timeout is not None and not low <= timeout <= high:
        raise Refused(f"Timeout should be between {low} ms and {high} ms, got {timeout}")


def _check_integration_update(api_id: str, integration_id: str, data: Data) -> None:
    stored = apigateway._integrations.get(api_id, {}).get(integration_id)
    if stored:
        kept = {name: stored[name] for name in _INTEGRATION_MEMBERS if name in stored}
        _check_integration({**kept, **data})


def _check_integration_is_unused(api_id: str, integration_id: str) -> None:
    for route in apigateway._routes.get(api_id, {}).values():
        if route.get("target") == f"integrations/{integration_id}":
            raise Refused(
                f"Cannot delete Integration '{integration_id}'. Route '{route['routeId']}' is using this Integration.",
                "ConflictException",
                409,
            )


# ---- stages ----

_STAGE_MEMBERS = {"accessLogSettings", "autoDeploy", "description", "stageName", "stageVariables", "tags"}
_STAGE_MEMBERS |= {"defaultRouteSettings", "routeSettings"}
_SETTINGS = {throttling.RATE, throttling.BURST, "detailedMetricsEnabled"}


def _check_new_stage(api_id: str, data: Data) -> None:
    if api_id not in apigateway._apis:
        return
    name = str(data.get("stageName", ""))
    if not re.fullmatch(r"\$default|[\w-]{1,128}", name):
        raise Refused(f"Invalid stage name {name!r}: it must be $default, or letters, digits, hyphens and underscores")
    if name in apigateway._stages.get(api_id, {}):
        raise Refused(f"Stage with name {name} already exists for this API", "ConflictException", 409)
    if not data.get("autoDeploy"):
        raise Refused("The local stack has stages with autoDeploy only: changes are served at once")
    _check_stage(api_id, data)


def _check_stage_update(api_id: str, _stage: str, data: Data) -> None:
    if data.get("autoDeploy") is False:
        raise Refused("The local stack has stages with autoDeploy only: changes are served at once")
    _check_stage(api_id, data)


def _check_stage(api_id: str, data: Data) -> None:
    _only(data, _STAGE_MEMBERS, {})
    _check_settings(data.get("defaultRouteSettings") or {})
    keys = {route["routeKey"] for route in apigateway._routes.get(api_id, {}).values()}
    for key, settings in (data.get("routeSettings") or {}).items():
        if key not in keys:
            raise Refused(
                f"Unable to find Route by key {key} within the provided RouteSettings", "NotFoundException", 404
            )
        _check_settings(settings)
    if data.get("accessLogSettings") and (found := access_log.problem(data["accessLogSettings"])):
        raise Refused(found)


def _check_settings(settings: Data) -> None:
    if settings.get("loggingLevel") not in (None, "OFF") or settings.get("dataTraceEnabled"):
        raise Refused("Execution logs are not supported on protocolType HTTP")
    _only(settings, _SETTINGS, {"loggingLevel": ("OFF",), "dataTraceEnabled": (False,)})
    for name in (throttling.RATE, throttling.BURST):
        if settings.get(name) is not None and settings[name] < 0:
            raise Refused(f"{name} must not be negative, got {settings[name]}")


def _with_stage_parts(handle: Callable[..., Any]) -> Callable[..., Any]:
    """DeleteAccessLogSettings and DeleteRouteSettings: MiniStack takes them for DeleteStage."""

    async def handled(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Answer:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if method != "DELETE" or len(parts) < 6 or parts[:2] != ["v2", "apis"] or parts[3] != "stages":
            return await handle(method, path, headers, body, query_params)
        stage = apigateway._stages.get(parts[2], {}).get(parts[4])
        if stage is None:
            return apigateway._apigw_error("NotFoundException", f"Unable to find Stage by name {parts[4]}", 404)
        if parts[5:] == ["accesslogsettings"]:
            stage.pop("accessLogSettings", None)
        elif parts[5] == "routesettings" and len(parts) > 6:
            stage.get("routeSettings", {}).pop("/".join(parts[6:]), None)
        else:
            return apigateway._apigw_error("NotFoundException", f"Unknown API Gateway path: {path}", 404)
        return 204, {}, b""

    return handled
