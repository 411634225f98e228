"""Makes MiniStack's Step Functions end, retry, time out and evaluate as AWS does, and adds what it lacks.

It replaces: the run of an execution (TIMED_OUT, aborts that stop the running task), the attempts of a task (timeouts
that stop the child, Retry with MaxDelaySeconds and JitterStrategy, the size limit of results), and the JSONata fields
that MiniStack ignores. The integrations with other services are in integrations.py.
"""

from __future__ import annotations

import contextvars
import json
import logging
import random
import re
import threading
from collections.abc import Callable
from typing import Any, NoReturn

from ministack.core.responses import get_region, new_uuid, now_iso
from ministack.services import stepfunctions as sfn
from ministack.services.stepfunctions import _ExecutionError

from ..core.context import Context
from ..iam import permissions
from . import integrations, lambda_errors, tasks

REPLACED = (
    "_add_event",
    "_apply_state_assign",
    "_error_matches",
    "_evaluate_jsonata_choice_rule",
    "_execute_choice",
    "_execute_task",
    "_fail_execution",
    "_invoke_resource",
    "_register_sfn_jsonata_functions",
    "_run_execution",
    "_run_parallel_branches",
    "_run_sub_machine",
    "_scaled_sleep",
    "_stop_execution",
    "_with_retry_and_catch",
)
USED = (
    "_SERVICE_DISPATCH",
    "_SFN_WAIT_SCALE",
    "_apply_catcher",
    "_apply_jsonata_arguments",
    "_apply_jsonata_output",
    "_apply_jsonata_template",
    "_call_lambda",
    "_emit_execution_status_event",
    "_executions",
    "_find_matching_catcher",
    "_invoke_with_callback",
    "_jsonata_state_field",
    "_resolve_lambda_function_ref",
    "_sfn_jsonata_to_millis",
    "_state_machines",
)
_FRACTION = re.compile(r"\.(\d{1,9})")
PATCHES = [
    *(("ministack.services.stepfunctions", name) for name in (*REPLACED, *USED)),
    ("ministack.services.sns", "_publish"),
    ("ministack.app", "call_service_handler_sync"),
    ("ministack.app", "SERVICE_HANDLERS.athena"),
    ("ministack.app", "SERVICE_HANDLERS.s3"),
    *lambda_errors.PATCHES,
]

# Limits: input and output of states and tasks, what one Assign sets, and all variables together.
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_VARIABLES_BYTES = 10 * 1024 * 1024
DEFAULT_MAX_ATTEMPTS = 3
FINAL_EVENTS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
# These two end an execution, unless a Catch names them.
NOT_IN_STATES_ALL = ("States.DataLimitExceeded", "States.Runtime")

logger = logging.getLogger("emulator.states")

# What a state returns: its output, and the name of the next state (None at the end).
Step = tuple[Any, str | None]

_original: dict[str, Callable] = {}
_end_lock = threading.Lock()


def install(context: Context) -> None:
    lambda_errors.install()
    for name in REPLACED:
        _original[name] = getattr(sfn, name)
        setattr(sfn, name, globals()[name])
    # Before MiniStack's own handlers: the first one with a matching prefix is used.
    own = integrations.integrations()
    others = {name: handler for name, handler in sfn._SERVICE_DISPATCH.items() if name not in own}
    sfn._SERVICE_DISPATCH.clear()
    sfn._SERVICE_DISPATCH.update({**own, **others})


# ---- an execution, from start to end ----


def _run_execution(arn: str) -> None:
    execution = sfn._executions.get(arn)
    if not execution:
        return
    machine = sfn._state_machines.get(execution["stateMachineArn"])
    if not machine:
        sfn._fail_execution(execution, "States.Runtime", "The state machine no longer exists")
        return
    with tasks.execution(arn) as cancellation:
        timer = None
        try:
            definition = json.loads(machine["definition"])
            timer = _start_timer(execution, definition.get("TimeoutSeconds"), cancellation)
            with permissions.acting_as(_session(execution, machine)):
                _walk(execution, machine, definition)
        except tasks.Cancelled:
            logger.info("execution %s was ended: %s", arn, execution["status"])
        except _ExecutionError as error:
            sfn._fail_execution(execution, error.error, error.cause)
        except Exception as problem:
            logger.exception("execution %s", arn)
            sfn._fail_execution(execution, "States.Runtime", str(problem))
        finally:
            if timer:
                timer.cancel()


def _session(execution: dict, machine: dict) -> permissions.Session | None:
    try:
        return permissions.assume(
            machine["roleArn"], "states.amazonaws.com", execution["name"], execution["stateMachineArn"]
        )
    except permissions.NotAssumable as problem:
        raise _ExecutionError("States.Runtime", str(problem)) from None


def _walk(execution: dict, machine: dict, definition: dict) -> None:
    given = json.loads(execution["input"])
    context = _context_object(execution, machine, definition, given)
    output = _walk_states(
        definition.get("States", {}), definition.get("StartAt"), given, execution, context, record_events=True
    )
    with _end_lock:
        if execution["status"] != "RUNNING":
            return
        text = json.dumps(output)
        execution.update(status="SUCCEEDED", output=text, stopDate=now_iso())
        sfn._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": text}})
    sfn._emit_execution_status_event(execution)


def _context_object(execution: dict, machine: dict, definition: dict, given: object) -> dict:
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": given,
            "Name": execution["name"],
            "RoleArn": machine.get("roleArn"),
            "StartTime": execution["startDate"],
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }


def _walk_states(
    states: dict, start: str | None, given: object, execution: dict, context: dict, *, record_events: bool
) -> object:
    """Run from the first state to the last. As in MiniStack, states of branches write no events."""
    name, value = start, given
    while name:
        if tasks.current().is_set():
            raise tasks.Cancelled
        state = states.get(name)
        if not state:
            raise _ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        kind = state.get("Type")
        if record_events:
            details = {"name": name, "input": json.dumps(value)}
            sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": details})
        value, following = _run_state(kind, state, value, execution, context)
        _check_size(value, f"The state '{name}'")
        if record_events:
            details = {"name": name, "output": json.dumps(value)}
            sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": details})
        name = following
    return value


def _run_state(kind: str, state: dict, value: object, execution: dict, context: dict) -> tuple[object, str | None]:
    if kind == "Succeed":
        return _succeed_output(state, value, context), None
    if kind == "Fail":
        raise _ExecutionError(*sfn._fail_state_error(state, value, context))
    if kind in ("Task", "Parallel", "Map"):
        handler = {"Task": sfn._execute_task, "Parallel": sfn._execute_parallel, "Map": sfn._execute_map}[kind]
        return handler(state, value, execution, context)
    if kind in ("Pass", "Choice", "Wait"):
        handler = {"Pass": sfn._execute_pass, "Choice": sfn._execute_choice, "Wait": sfn._execute_wait}[kind]
        return handler(state, value, context)
    raise _ExecutionError("States.Runtime", f"Unknown state type: {kind}")


def _run_sub_machine(states: dict, start: str, value: object, execution: dict, context: dict) -> object:
    return _walk_states(states, start, value, execution, context, record_events=False)


def _succeed_output(state: dict, value: object, context: dict) -> object:
    if sfn._state_query_language(state, context) == "JSONata":
        return sfn._apply_jsonata_output(state, value, context, default=value)
    return sfn._apply_output_path(state, sfn._apply_input_path(state, value, context), context)


def _start_timer(execution: dict, seconds: float | None, cancellation: tasks.Cancellation) -> threading.Timer | None:
    if not seconds:
        return None

    def time_out() -> None:
        with _end_lock:
            if execution["status"] != "RUNNING":
                return
            execution.update(status="TIMED_OUT", stopDate=now_iso(), error="States.Timeout")
            details = {"error": "States.Timeout"}
            sfn._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": details})
        cancellation.cancel()
        sfn._emit_execution_status_event(execution)

    # A timer's thread starts with an empty context. The copy has the account and region.
    timer = threading.Timer(seconds, contextvars.copy_context().run, args=(time_out,))
    timer.daemon = True
    timer.start()
    return timer


def _stop_execution(data: dict) -> tuple:
    with _end_lock:
        answer = _original["_stop_execution"](data)
    if answer[0] < 400:
        tasks.cancel_execution(data["executionArn"])
    return answer


def _fail_execution(execution: dict, error: str, cause: str) -> None:
    """MiniStack would report an execution that was aborted during a task as failed."""
    with _end_lock:
        if execution["status"] != "RUNNING":
            return
        execution.update(status="FAILED", error=error, cause=cause, stopDate=now_iso())
        if execution.get("sync"):  # MiniStack's nested executions look here for the error
            execution["output"] = json.dumps({"Error": error, "Cause": cause})
        details = {"error": error, "cause": cause}
        sfn._add_event(execution, "ExecutionFailed", {"executionFailedEventDetails": details})
    sfn._emit_execution_status_event(execution)


def _add_event(execution: dict, kind: str, details: dict | None = None) -> dict:
    """After an execution has ended, only its end is added to the history."""
    events = execution["events"]
    event = {"id": len(events) + 1, "previousEventId": len(events), "type": kind, "timestamp": now_iso()}
    event |= details or {}
    if execution["status"] == "RUNNING" or kind in FINAL_EVENTS:
        events.append(event)
    return event


def _scaled_sleep(seconds: float) -> None:
    tasks.current().sleep(seconds * sfn._SFN_WAIT_SCALE)


# ---- a task ----


def _execute_task(state: dict, value: object, execution: dict, context: dict) -> Step:
    return sfn._with_retry_and_catch(state, value, context, lambda: _attempt(state, value, execution, context))


def _attempt(state: dict, value: object, execution: dict, context: dict) -> Step:
    resource = state.get("Resource", "")
    is_jsonata = sfn._state_query_language(state, context) == "JSONata"
    waits_for_token = ".waitForTaskToken" in resource
    if waits_for_token:
        context["Task"] = {"Token": new_uuid()}
    if is_jsonata:
        arguments = sfn._apply_jsonata_arguments(state, value, context)
    else:
        arguments = sfn._apply_parameters(state, sfn._apply_input_path(state, value, context), context)
    _check_size(arguments, "The arguments of the state/task", "came")
    timeout = _timeout_seconds(state, value, context)

    def invoke() -> object:
        if waits_for_token:
            return sfn._invoke_with_callback(resource, arguments, context["Task"]["Token"], {})
        return sfn._invoke_resource(resource, arguments)

    result = _observed(resource, arguments, timeout, execution, invoke)
    return _output_of(state, value, context, result, is_jsonata), sfn._next_or_end(state)


def _observed(resource: str, arguments: object, timeout: float | None, execution: dict, invoke: Callable) -> object:
    """Run the task and write its events with AWS's names."""
    kind, name = _split_resource(resource)
    about = {"resourceType": kind, "resource": name}

    def event(event_type: str, field: str, details: dict) -> None:
        sfn._add_event(execution, event_type, {f"{field}EventDetails": {**about, **details}})

    scheduled: dict[str, Any] = {"region": get_region(), "parameters": json.dumps(arguments)}
    if timeout is not None:
        scheduled["timeoutInSeconds"] = timeout
    event("TaskScheduled", "taskScheduled", scheduled)
    event("TaskStarted", "taskStarted", {})
    try:
        with tasks.on_submitted(lambda output: event("TaskSubmitted", "taskSubmitted", {"output": json.dumps(output)})):
            result = tasks.run_task(invoke, timeout)
        _check_size(result, "The state/task")
    except TimeoutError:
        event("TaskTimedOut", "taskTimedOut", {"error": "States.Timeout"})
        raise _ExecutionError("States.Timeout", "") from None
    except tasks.Cancelled:
        raise
    except _ExecutionError as error:
        event("TaskFailed", "taskFailed", {"error": error.error, "cause": error.cause})
        raise
    event("TaskSucceeded", "taskSucceeded", {"output": json.dumps(result)})
    return result


def _split_resource(resource: str) -> tuple[str, str]:
    """arn:aws:states:::glue:startJobRun.sync is shown as glue and startJobRun.sync."""
    if resource.startswith("arn:aws:states:::"):
        kind, _, name = resource.removeprefix("arn:aws:states:::").rpartition(":")
        return kind, name
    return ("lambda" if ":lambda:" in resource else "activity"), resource


def _timeout_seconds(state: dict, value: object, context: dict) -> float | None:
    if "TimeoutSecondsPath" in state:
        seconds = sfn._resolve_path_or_ctx(state["TimeoutSecondsPath"], value, context)
    elif "TimeoutSeconds" in state and sfn._state_query_language(state, context) == "JSONata":
        seconds = sfn._jsonata_state_field(state, "TimeoutSeconds", "number", value, context)
    else:
        seconds = state.get("TimeoutSeconds")
    if "HeartbeatSeconds" in state or "HeartbeatSecondsPath" in state:
        raise _ExecutionError("States.Runtime", "HeartbeatSeconds is not supported by the local stack")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds <= 0):
        raise _ExecutionError("States.Runtime", f"TimeoutSeconds must be a positive number, got {seconds!r}")
    return seconds


def _invoke_resource(resource: str, arguments: dict) -> object:
    if resource == "arn:aws:states:::lambda:invoke":
        return integrations.invoke_lambda(arguments)
    integrations.check_resource(resource)
    integrations.check_known_permission(resource)
    return _original["_invoke_resource"](resource, arguments)


def _check_size(value: object, what: str, verb: str = "returned a result", limit: int = MAX_PAYLOAD_BYTES) -> None:
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > limit:
        raise _ExecutionError(
            "States.DataLimitExceeded",
            f"{what} {verb} with a size exceeding the maximum number of bytes service limit.",
        )


def _output_of(state: dict, value: object, context: dict, result: object, is_jsonata: bool) -> object:
    """The output of a Task or Parallel state with this result; also sets the variables of its Assign."""
    if is_jsonata:
        output = sfn._apply_jsonata_output(state, value, context, result=result, default=result)
        sfn._apply_state_assign(state, value, context, result=result)
        return output
    output = sfn._apply_result_path(state, value, sfn._apply_result_selector(state, result))
    return sfn._apply_output_path(state, output, context)


# ---- Retry and Catch ----


def _with_retry_and_catch(state: dict, value: object, context: dict, attempt: Callable[[], Step]) -> Step:
    own = context["State"]
    retries: dict[int, int] = {}
    while True:
        # Branches share the context and set State in it, so each attempt restores this state's.
        context["State"] = {**own, "RetryCount": sum(retries.values())}
        try:
            return attempt()
        except tasks.Cancelled:
            raise
        except _ExecutionError as error:
            context["State"] = {**own, "RetryCount": sum(retries.values())}
            delay = _retry_delay(state.get("Retry", []), error.error, retries)
            if delay is None:
                return _catch(state, value, context, error)
            sfn._scaled_sleep(delay)


def _retry_delay(retriers: list[dict], error: str, retries: dict[int, int]) -> float | None:
    """Seconds until the next attempt, or None for no more. The first retrier that matches the error decides."""
    for index, retrier in enumerate(retriers):
        if not _error_matches(retrier.get("ErrorEquals", []), error):
            continue
        count = retries.get(index, 0)
        if count >= retrier.get("MaxAttempts", DEFAULT_MAX_ATTEMPTS):
            return None
        retries[index] = count + 1
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** count
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        # With FULL jitter, the time is random between 0 and the computed time.
        return random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay
    return None


def _catch(state: dict, value: object, context: dict, error: _ExecutionError) -> Step:
    catcher = sfn._find_matching_catcher(state.get("Catch", []), error.error)
    if not catcher:
        raise error
    language = sfn._state_query_language(state, context)
    output = sfn._apply_catcher(catcher, value, context, language, {"Error": error.error, "Cause": error.cause})
    return output, catcher["Next"]


def _error_matches(names: list[str], error: str) -> bool:
    if error in names:
        return True
    if "States.ALL" in names and error not in NOT_IN_STATES_ALL:
        return True
    return "States.TaskFailed" in names and error != "States.Timeout" and error not in NOT_IN_STATES_ALL


# ---- Parallel, Choice and JSONata fields ----


def _run_parallel_branches(state: dict, value: object, execution: dict, context: dict) -> Step:
    is_jsonata = sfn._state_query_language(state, context) == "JSONata"
    if is_jsonata:
        given = sfn._apply_jsonata_arguments(state, value, context)
    else:
        given = sfn._apply_parameters(state, sfn._apply_input_path(state, value, context), context)
    # A branch reads the state machine's variables but sets only its own.
    branches = [
        lambda branch=branch: _run_sub_machine(
            branch.get("States", {}),
            branch.get("StartAt"),
            json.loads(json.dumps(given)),
            execution,
            {**context, "variables": dict(context.get("variables", {}))},
        )
        for branch in state.get("Branches", [])
    ]
    results = tasks.run_together(branches)
    return _output_of(state, value, context, results, is_jsonata), sfn._next_or_end(state)


def _execute_choice(state: dict, value: object, context: dict | None = None) -> Step:
    falls_through = "Default" in state and sfn._state_query_language(state, context) == "JSONata"
    if not falls_through or any(
        sfn._evaluate_jsonata_choice_rule(rule, value, context) for rule in state.get("Choices", [])
    ):
        return _original["_execute_choice"](state, value, context)
    # If no rule matches, the state's own Output and Assign apply. MiniStack ignores the Output.
    output = sfn._apply_jsonata_output(state, value, context, default=value)
    sfn._apply_state_assign(state, value, context)
    return output, state["Default"]


def _evaluate_jsonata_choice_rule(rule: dict, value: object, context: dict) -> bool:
    if "Condition" not in rule:
        raise _ExecutionError("States.Runtime", "A Choice rule in JSONata needs a Condition")
    return bool(sfn._jsonata_state_field(rule, "Condition", "boolean", value, context))


def _apply_state_assign(
    state: dict, value: object, context: dict | None = None, result: object = None, error_output: object = None
) -> None:
    """All of Assign is evaluated with the previous values. In MiniStack, one expression sees another's result."""
    assign = state.get("Assign")
    if context is None or not isinstance(assign, dict):
        return
    # A catcher or Choice rule has no QueryLanguage; it uses the state's.
    evaluated = {
        name: sfn._apply_jsonata_template(template, value, context, result=result, error_output=error_output)
        for name, template in assign.items()
    }
    _check_size(evaluated, "The variables of Assign", "came")
    variables = {**context.get("variables", {}), **evaluated}
    _check_size(variables, "All variables together", "came", MAX_VARIABLES_BYTES)
    context.setdefault("variables", {}).update(evaluated)


def _register_sfn_jsonata_functions(expression: Any) -> None:
    _original["_register_sfn_jsonata_functions"](expression)
    expression.register_lambda("eval", _no_eval)
    expression.register_lambda("toMillis", _to_millis)


def _to_millis(timestamp: object = None, picture: str | None = None) -> int | None:
    """Python 3.10 reads a time with an offset and with 3 or 6 digits after the point, but none that ends with Z."""
    if picture is not None or not isinstance(timestamp, str):
        return sfn._sfn_jsonata_to_millis(timestamp, picture)
    written = _FRACTION.sub(lambda found: f".{found.group(1)[:6]:0<6}", timestamp)
    written = f"{written[:-1]}+00:00" if written.endswith("Z") else written
    try:
        return sfn._sfn_jsonata_to_millis(written, None)
    except ValueError as refusal:
        raise ValueError(str(refusal).replace(written, timestamp)) from None


def _no_eval(*_arguments: object) -> NoReturn:
    raise ValueError("T1005: $eval is not supported by Step Functions; use $parse for JSON text")
