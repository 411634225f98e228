"""Enforces IAM: evaluates what a role of the stack does against its policies, and records each decision.

MiniStack evaluates requests over HTTP (AUTH=true). What its services and the replaced parts do in this process on
behalf of a role (state machine, event source mapping, Athena, job logs, schedule) is checked here first. The
credentials of a person or of the deployment are the account's root and may do everything. Each decision about a role
is a line of authorizations.jsonl in the run's folder.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import eventbridge, iam, lambda_svc, scheduler, sts
from ministack.services import stepfunctions as sfn

from ..core import request_log
from ..core.context import Context
from . import glue_resources, key_permissions

PATCHES = [
    *key_permissions.PATCHES,
    ("ministack.core.iam_actions", "access_denied_response"),
    ("ministack.core.iam_actions", "extract_resource_arn"),
    ("ministack.app", "AUTH"),
    ("ministack.app", "pin_request_origin"),
    *(
        ("ministack.core.iam_evaluator", name)
        for name in (
            "_conditions_met",
            "_gather_role_policies",
            "_request_origin",
            "_resource_policy",
            "_service_principal_matches",
            "combine_resource_policy",
            "enforce",
            "evaluate",
            "evaluate_resource_policy",
        )
    ),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.lambda_svc", "_create_function"),
    ("ministack.services.lambda_svc", "_emit_lambda_logs"),
    ("ministack.services.scheduler", "_create_schedule"),
    ("ministack.services.eventbridge", "_invoke_target"),
    ("ministack.services.stepfunctions", "_create_state_machine"),
    ("ministack.services.sts", "_sessions"),
    ("ministack.services.sts", "register_session"),
]

SESSION_SECONDS = 12 * 3600

logger = logging.getLogger("emulator.permissions")


@dataclass(frozen=True)
class Session:
    """A role that a service has assumed."""

    account_id: str
    role_name: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sts::{self.account_id}:assumed-role/{self.role_name}/{self.name}"


class Denied(Exception):
    """The policies do not allow it. The message is AWS's, with caller, action and resource."""

    def __init__(self, session: Session, action: str, resource: str, explicit: bool) -> None:
        why = (
            "with an explicit deny in a policy"
            if explicit
            else f"because no identity-based policy allows the {action} action"
        )
        super().__init__(f"User: {session.arn} is not authorized to perform: {action} on resource: {resource} {why}")
        self.action = action
        self.resource = resource


class NotAssumable(Exception):
    """The role does not exist, or its trust policy does not allow this service and resource."""


_caller: contextvars.ContextVar[Session | None] = contextvars.ContextVar("caller", default=None)
_glue_levels: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("glue_levels", default=())
_denied: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("denied", default=None)
_in_resource_policy: contextvars.ContextVar[bool] = contextvars.ContextVar("in_resource_policy", default=False)
_log: _DecisionLog
_original: dict[str, Callable] = {}


def install(context: Context) -> None:
    if not app.AUTH:
        context.warn("permissions are not enforced (AUTH=false): every role may do everything")
        return
    global _log
    _log = _DecisionLog(context)
    for name in ("evaluate", "evaluate_resource_policy", "enforce"):
        _original[name] = getattr(iam_evaluator, name)
        setattr(iam_evaluator, name, globals()[f"_{name}"])
    for name in ("access_denied_response", "extract_resource_arn"):
        _original[name] = getattr(iam_actions, name)
        setattr(iam_actions, name, globals()[f"_{name}"])
    # The endpoint is on this machine, so bucket policies that require TLS count as satisfied.
    app.pin_request_origin = lambda source_ip, _is_secure: iam_evaluator._request_origin.set((source_ip, True))
    lambda_svc._emit_lambda_logs = _logging(lambda_svc._emit_lambda_logs)
    lambda_svc._create_function = _trusting(lambda_svc._create_function, _function_role)
    sfn._create_state_machine = _trusting(sfn._create_state_machine, _state_machine_role)
    scheduler._create_schedule = _trusting(scheduler._create_schedule, _schedule_role)
    eventbridge._invoke_target = _scheduled(eventbridge._invoke_target)


# ---- assuming a role ----


def assume(
    role_arn: str, service: str, session_name: str, source_arn: str, keys: dict[str, str] | None = None
) -> Session | None:
    """The session that `service` gets for the resource `source_arn`. None if permissions are not enforced. `keys` are
    more condition keys of the request, in lower case. Raises NotAssumable."""
    if not app.AUTH:
        return None
    account_id, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account_id, None, role_name)
    if role is None:
        raise NotAssumable(f"The role {role_arn} does not exist")
    if not _is_trusted(role["AssumeRolePolicyDocument"], service, role_arn, source_arn, keys or {}):
        raise NotAssumable(f"The trust policy of {role_arn} does not let {service} assume it for {source_arn}")
    return Session(account_id, role_name, session_name[:64])


def _is_trusted(document: str | dict, service: str, role_arn: str, source_arn: str, keys: dict[str, str]) -> bool:
    """Whether a trust policy lets the service assume the role."""
    policy = json.loads(document) if isinstance(document, str) else document
    return allows_service(policy, service, "sts:AssumeRole", role_arn, source_arn, keys)


def allows_service(
    policy: dict, service: str, action: str, resource: str, source_arn: str, keys: dict[str, str] | None = None
) -> bool:
    """Whether a statement of a resource's policy allows the service, acting for `source_arn`, and none denies it.

    `keys` has more condition keys, such as the account where the ARN has none, as a bucket's.
    """
    statements = policy.get("Statement", [])
    origin = {"aws:sourceaccount": source_arn.split(":")[4], "aws:sourcearn": source_arn, **(keys or {})}
    asked = _asked(service, action, resource, origin)
    effects = {
        statement["Effect"]
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if action in _as_list(statement.get("Action"))
        # A trust policy names no resource.
        and resource in _as_list(statement.get("Resource", resource))
        and iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        and iam_evaluator._conditions_met(statement.get("Condition", {}), asked)
    }
    return effects == {"Allow"}


def caller() -> str:
    """Who makes the calls of this context, for the log of requests."""
    session = _caller.get()
    return request_log.ROOT if session is None else session.arn


@contextlib.contextmanager
def acting_as(session: Session | None) -> Iterator[None]:
    """In this context, `require` checks this role. Threads started with a copy of the context see it too."""
    token = _caller.set(session)
    try:
        yield
    finally:
        _caller.reset(token)


def credentials(session: Session | None) -> dict[str, str]:
    """Environment variables that give a child process this role in MiniStack."""
    if session is None:
        return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(64)
    sts.register_session(
        key,
        {
            "Arn": session.arn,
            "UserId": f"{session.role_name}:{session.name}",
            "AccountId": session.account_id,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": time.time() + SESSION_SECONDS,
        },
    )
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


# ---- checking permissions ----


def require(action: str, *resources: str, keys: dict[str, str] | None = None) -> None:
    """Raise Denied unless the current role may do this on each resource and with the KMS keys that encrypt them.
    `keys` are the condition keys of the request, in lower case, e.g. {"s3:prefix": "raw/"}. Without a role,
    everything is allowed."""
    session = _caller.get()
    if session is None or not app.AUTH:
        return
    for resource in resources:
        _require(session, action, resource, keys or {})
        _require_keys(session, action, resource)


def _require(session: Session, action: str, resource: str, keys: dict[str, str]) -> None:
    policies = iam_evaluator._gather_role_policies(session.role_name, session.account_id)
    asked = _asked(session.arn, action, resource, keys)
    result = iam_evaluator.evaluate(asked, policies)
    service = action.split(":")[0]
    found = iam_evaluator._resource_policy(service, resource)
    if found is not None:
        # Of all resource policies, only a key policy must allow the action itself.
        result = iam_evaluator.combine_resource_policy(result, asked, *found, required=service == "kms")
    if result.decision != "Allow":
        raise Denied(session, action, resource, explicit=result.decision == "Deny")


def _require_keys(session: Session, action: str, resource: str) -> None:
    via = {"kms:viaservice": f"{action.split(':')[0]}.{responses.get_region()}.amazonaws.com"}
    for needed, key in key_permissions.uses(action, resource):
        _require(session, needed, key, via)


def _asked(principal: str, action: str, resource: str, keys: dict[str, str]) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=responses.get_account_id(),
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
        secure_transport=True,
        service_context=dict(keys),
    )


def _evaluate(asked: iam_evaluator.EvalContext, policies: list, *limits: list) -> iam_evaluator.EvalResult:
    """Records the decisions of role policies. Resource policies are also evaluated here."""
    result = _original["evaluate"](asked, policies, *limits)
    if asked.principal_type == "AssumedRole" and not _in_resource_policy.get():
        _log.add(asked, result.decision)
    return result


def _evaluate_resource_policy(*arguments: Any, **named: Any) -> iam_evaluator.EvalResult:
    token = _in_resource_policy.set(True)
    try:
        return _original["evaluate_resource_policy"](*arguments, **named)
    finally:
        _in_resource_policy.reset(token)


def _enforce(
    access_key_id: str,
    action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict | None = None,
) -> iam_evaluator.EvalResult | iam_evaluator.AuthError | None:
    """Sets the caller of a service that uses its caller's permissions (Athena)."""
    session = sts._sessions.get(access_key_id) or {}
    parts = str(session.get("Arn", "")).split(":")
    is_role = len(parts) == 6 and parts[5].startswith("assumed-role/")
    role = Session(parts[4], *parts[5].split("/")[1:3]) if is_role else None
    _caller.set(role)
    levels = _glue_levels.get() or (resource_arn,)
    request_log.asked_for(access_key_id, action, levels[-1])
    for resource in levels:
        refused = _original["enforce"](access_key_id, action, service, region, resource, service_context)
        _denied.set((action, resource) if refused else None)
        if refused:
            return refused
    if not role:
        return None
    try:
        _require_keys(role, action, resource_arn)
    except Denied as denial:
        _denied.set((denial.action, denial.resource))
        return iam_evaluator.EvalResult("ImplicitDeny", principal_arn=role.arn)
    return None


def _extract_resource_arn(service: str, method: str, path: str, headers: dict, body: bytes, *others: Any) -> str:
    arn = _original["extract_resource_arn"](service, method, path, headers, body, *others)
    _glue_levels.set(())
    if service != "glue":
        return arn
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    with contextlib.suppress(ValueError):  # Glue itself refuses a body that is not JSON.
        _glue_levels.set(glue_resources.resources(operation, json.loads(body), ":".join(arn.split(":")[:5])))
    levels = _glue_levels.get()
    return levels[-1] if levels else arn


def _access_denied_response(service: str, action: str, principal_arn: str, request_id: str, **named: Any) -> tuple:
    """MiniStack omits the resource and ignores keys."""
    denied, explicit = _denied.get(), named.get("explicit_deny", False)
    if denied and not named.get("message") and not named.get("error_code") and not named.get("resource_policy_arn"):
        named["message"] = iam_actions.identity_denial_message(denied[0], principal_arn, denied[1], explicit)
    return _original["access_denied_response"](service, action, principal_arn, request_id, **named)


class _DecisionLog:
    """Record each decision once: a repetition with the same outcome adds nothing."""

    def __init__(self, context: Context) -> None:
        self._file = (context.state_dir / "authorizations.jsonl").open("a", buffering=1)
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def add(self, asked: iam_evaluator.EvalContext, decision: str) -> None:
        keys = {name: value for name, value in asked.service_context.items() if value is not None}
        line = json.dumps(
            {
                "principal": asked.principal_arn,
                "action": asked.action,
                "resource": asked.resource_arn,
                "keys": keys,
                "decision": decision,
            },
            sort_keys=True,
        )
        with self._lock:
            if line not in self._known:
                self._known.add(line)
                self._file.write(line + "\n")


# ---- what services do with their role ----


def _logging(write: Callable[..., None]) -> Callable[..., None]:
    """A function without the permission runs but writes no log."""

    @functools.wraps(write)
    def checked(function: dict, request_id: str, *others: object, **named: object) -> None:
        config = function.get("config") or function
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        # Named by day and version, as the environment's stream on AWS begins, so that the log of decisions does not
        # grow with each invocation.
        day = time.strftime("%Y/%m/%d", time.gmtime())
        stream = _arn("logs", f"log-group:{group}:log-stream:{day}/[{config.get('Version', '$LATEST')}]")
        size = len(str(others[0]).encode()) if others else 0
        try:
            with acting_as(
                assume(config["Role"], "lambda.amazonaws.com", config["FunctionName"], config["FunctionArn"])
            ):
                require("logs:CreateLogStream", stream)
                require("logs:PutLogEvents", stream)
                request_log.add(caller(), "logs:PutLogEvents", stream, bytes_in=size)
        except (Denied, NotAssumable) as problem:
            logger.error("no log of %s: %s", config["FunctionName"], problem)
            return
        write(function, request_id, *others, **named)

    return checked


# ---- roles given to a resource: the service must be able to assume them ----

Refusal = tuple[str, str]


def _trusting(create: Callable[..., tuple], refusal_of: Callable[..., Refusal | None]) -> Callable[..., tuple]:
    """As on AWS, refuse to create a resource that cannot assume its role."""

    @functools.wraps(create)
    def checked(*arguments: Any) -> tuple:
        refusal = refusal_of(*arguments)
        return responses.error_response_json(*refusal, 400) if refusal else create(*arguments)

    return checked


def _function_role(data: dict) -> Refusal | None:
    arn = _arn("lambda", f"function:{data.get('FunctionName')}")
    if _can_assume(data.get("Role"), "lambda.amazonaws.com", arn):
        return None
    return "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."


def _state_machine_role(data: dict) -> Refusal | None:
    arn = _arn("states", f"stateMachine:{data.get('name')}")
    if _can_assume(data.get("roleArn"), "states.amazonaws.com", arn):
        return None
    return (
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
        "the provided role.",
    )


def _schedule_role(_name: str, body: dict) -> Refusal | None:
    role = (body.get("Target") or {}).get("RoleArn")
    if _can_assume(role, "scheduler.amazonaws.com", _schedule_group(body.get("GroupName"))):
        return None
    return (
        "ValidationException",
        "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
    )


def _can_assume(role_arn: str | None, service: str, source_arn: str) -> bool:
    if not role_arn:
        return True  # MiniStack reports the error
    with contextlib.suppress(NotAssumable):
        assume(role_arn, service, "check", source_arn)
        return True
    return False


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{responses.get_region()}:{responses.get_account_id()}:{resource}"


def _schedule_group(name: str | None) -> str:
    """A schedule assumes its role for its group."""
    return _arn("scheduler", f"schedule-group/{name or 'default'}")


def _scheduled(invoke: Callable[..., object]) -> Callable[..., object]:
    """A schedule calls its target with its role. MiniStack's scheduler passes targets to EventBridge."""

    @functools.wraps(invoke)
    def checked(target: dict, event: dict, origin: dict, *others: object) -> object:
        if event.get("Source") != "aws.scheduler":
            return invoke(target, event, origin, *others)
        group = _schedule_group(origin.get("GroupName"))
        try:
            with acting_as(assume(target["RoleArn"], "scheduler.amazonaws.com", "schedule", group)):
                require(_target_action(target["Arn"]), target["Arn"])
        except (Denied, NotAssumable) as problem:
            logger.error("schedule %s: %s", origin.get("Arn"), problem)
            return None
        return invoke(target, event, origin, *others)

    return checked


def _target_action(target_arn: str) -> str:
    service = target_arn.split(":")[2]
    actions = {"states": "states:StartExecution", "lambda": "lambda:InvokeFunction", "sns": "sns:Publish"}
    if service not in actions:
        raise NotImplementedError(f"the local stack does not know which permission the target {target_arn} needs")
    return actions[service]


def _as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]
