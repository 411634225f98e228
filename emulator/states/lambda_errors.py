"""Gives a failed Lambda invocation AWS's error: the class, message and stack of what the handler threw. MiniStack
reports Runtime.HandlerError for all of them."""

from __future__ import annotations

import contextvars
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

PATCHES = [
    ("ministack.core.lambda_runtime", "Worker.invoke"),
    ("ministack.core.lambda_runtime", "_NODEJS_WORKER_SCRIPT"),
    ("ministack.core.lambda_runtime", "_PYTHON_WORKER_SCRIPT"),
    ("ministack.services.lambda_svc", "_execute_function_warm"),
]

# The code in MiniStack's two workers that reports what a handler threw. Another version of MiniStack may not have it.
NODE_REPORTS = (
    ('error: String(err.message || err), trace: err.stack || ""', "err"),
    ("error: e.message, trace: e.stack", "e"),
)
PYTHON_REPORT = '"error": str(e), "trace": traceback.format_exc()'

_response: contextvars.ContextVar[dict | None] = contextvars.ContextVar("lambda_response", default=None)


def install() -> None:
    _report_error_types()
    invoke = lambda_runtime.Worker.invoke
    execute = lambda_svc._execute_function_warm

    def remembering_invoke(worker: lambda_runtime.Worker, *args: Any, **options: Any) -> dict:
        response = invoke(worker, *args, **options)
        _response.set(response)
        return response

    def execute_with_aws_errors(func: dict, event: dict, request_id: str) -> dict:
        _response.set(None)
        result = execute(func, event, request_id)
        body, response = result.get("body"), _response.get()
        if result.get("error") and response and isinstance(body, dict):
            result["body"] = _aws_error(body, response)
        return result

    patched: Any = lambda_runtime.Worker
    patched.invoke = remembering_invoke
    lambda_svc._execute_function_warm = execute_with_aws_errors


def _report_error_types() -> None:
    node = lambda_runtime._NODEJS_WORKER_SCRIPT
    for report, variable in NODE_REPORTS:
        if report not in node:
            raise RuntimeError(f"MiniStack's Node.js worker lacks {report!r}: adapt lambda_errors.py")
        thrown_type = f"({variable} && {variable}.name) || typeof {variable}"
        node = node.replace(report, f"{report}, errorType: {thrown_type}")
    lambda_runtime._NODEJS_WORKER_SCRIPT = node
    python = lambda_runtime._PYTHON_WORKER_SCRIPT
    if PYTHON_REPORT not in python:
        raise RuntimeError(f"MiniStack's Python worker lacks {PYTHON_REPORT!r}: adapt lambda_errors.py")
    lambda_runtime._PYTHON_WORKER_SCRIPT = python.replace(
        PYTHON_REPORT, f'{PYTHON_REPORT}, "errorType": type(e).__name__'
    )


def _aws_error(body: dict, response: dict) -> dict:
    message = str(body.get("errorMessage", ""))
    if response.get("errorType"):
        trace = str(response.get("trace") or "").splitlines()
        return {"errorType": response["errorType"], "errorMessage": message, "trace": trace}
    if message in ("Worker process died", "Worker returned no response"):
        return {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited without providing a reason"}
    if message.startswith("Handler ") and "is not a function" in message:
        return {**body, "errorType": "Runtime.HandlerNotFound"}
    if message.startswith("Cannot find module"):
        return {**body, "errorType": "Runtime.ImportModuleError"}
    return body
