"""The settings of asynchronous invocations, checked as AWS does: FunctionEventInvokeConfig and DeadLetterConfig.

MiniStack stores any value, has no UpdateFunctionEventInvokeConfig and asks for no permission.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc

from ..iam import permissions
from . import destinations

PATCHES = [
    ("ministack.services.lambda_svc", name)
    for name in (
        "_create_function",
        "_event_invoke_config",
        "_func_arn",
        "_functions",
        "_get_event_invoke_config",
        "_put_event_invoke_config",
        "_qualifier_from_path_or_query",
        "_resolve_request_scoped_name_and_qualifier",
        "_update_config",
        "handle_request",
    )
]

# Setting: (lowest, highest), from the reference of PutFunctionEventInvokeConfig.
NUMBERS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, 21600)}
DEFAULTS: dict[str, Any] = {
    "MaximumRetryAttempts": 2,
    "MaximumEventAgeInSeconds": 21600,
    "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
}
PATH = "/2019-09-25/functions/"


class InvalidSetting(ValueError):
    """A setting that AWS rejects, or that the local stack does not support."""


def install() -> None:
    put, create, update = lambda_svc._put_event_invoke_config, lambda_svc._create_function, lambda_svc._update_config

    @functools.wraps(put)
    def checked_put(name: str, qualifier: str | None, data: dict[str, Any]) -> tuple:
        return _refused(name, data) or _with_version(put(name, qualifier, data), name, qualifier)

    @functools.wraps(create)
    def checked_create(data: dict[str, Any]) -> tuple:
        arn = lambda_svc._func_arn(data.get("FunctionName") or "")
        return _refused_dead_letters(data, data.get("Role"), arn) or create(data)

    @functools.wraps(update)
    def checked_update(name: str, data: dict[str, Any]) -> tuple:
        config = (lambda_svc._functions.get(name) or {}).get("config") or {}
        role = data.get("Role") or config.get("Role")
        return _refused_dead_letters(data, role, lambda_svc._func_arn(name)) or update(name, data)

    lambda_svc._put_event_invoke_config = checked_put
    lambda_svc._create_function = checked_create
    lambda_svc._update_config = checked_update
    lambda_svc.handle_request = _with_update(lambda_svc.handle_request)


def _with_update(handle: Callable[..., Awaitable[tuple]]) -> Callable[..., Awaitable[tuple]]:
    """Adds UpdateFunctionEventInvokeConfig, which changes what it is given and keeps the rest."""

    @functools.wraps(handle)
    async def handled(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
        route = unquote(path).rstrip("/")
        if method != "POST" or not (route.startswith(PATH) and route.endswith("/event-invoke-config")):
            return await handle(method, path, headers, body, query_params)
        reference = route.removeprefix(PATH).removesuffix("/event-invoke-config")
        name, path_qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(reference)
        qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)
        found = lambda_svc._get_event_invoke_config(name, qualifier)
        if found[0] != 200:
            return found
        return lambda_svc._put_event_invoke_config(name, qualifier, {**json.loads(found[2]), **json.loads(body)})

    return handled


def _with_version(answer: tuple, name: str, qualifier: str | None) -> tuple:
    """AWS names the version in FunctionArn, and the time with a fraction."""
    stored = lambda_svc._event_invoke_config(lambda_svc._functions.get(name) or {}, qualifier)
    if answer[0] != 200 or stored is None:
        return answer
    stored["FunctionArn"] = f"{lambda_svc._func_arn(name)}:{qualifier or '$LATEST'}"
    stored["LastModified"] = round(time.time(), 3)
    return json_response(stored)


def _refused(name: str, data: dict[str, Any]) -> tuple | None:
    function = lambda_svc._functions.get(name)
    if function is None:
        return None  # MiniStack reports the error
    try:
        for key, (lowest, highest) in NUMBERS.items():
            value = data.get(key, lowest)
            if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
                raise InvalidSetting(f"{key} must be a whole number from {lowest} to {highest}, got {value!r}.")
        for side, target in (data.get("DestinationConfig") or {}).items():
            if side not in ("OnSuccess", "OnFailure"):
                raise InvalidSetting(f"DestinationConfig has OnSuccess and OnFailure only, got {side}.")
            if arn := (target or {}).get("Destination"):
                _check_target(arn, side, function["config"]["Role"], function["config"]["FunctionArn"])
    except InvalidSetting as problem:
        return error_response_json("InvalidParameterValueException", str(problem), 400)
    return None


def _refused_dead_letters(data: dict[str, Any], role: str | None, function_arn: str) -> tuple | None:
    target = (data.get("DeadLetterConfig") or {}).get("TargetArn")
    try:
        if target:
            _check_target(target, "TargetArn", role, function_arn)
    except InvalidSetting as problem:
        return error_response_json("InvalidParameterValueException", str(problem), 400)
    return None


def _check_target(arn: str, on: str, role: str | None, function_arn: str) -> None:
    """The kind of destination, and whether the function's role may send to it."""
    if problem := destinations.problem_with(arn, on):
        raise InvalidSetting(problem)
    service = destinations.service_of(arn)
    try:
        session = permissions.assume(role or "", "lambda.amazonaws.com", "check", function_arn) if role else None
        with permissions.acting_as(session):
            permissions.require(destinations.ACTIONS[service], f"{arn}/*" if service == "s3" else arn)
    except permissions.NotAssumable:
        return  # creating the function reports it
    except permissions.Denied as denial:
        raise InvalidSetting(
            f"The provided execution role does not have permissions to call {destinations.OPERATIONS[service]}. "
            f"({denial})"
        ) from None
