"""The Step Functions integrations that MiniStack lacks or answers wrongly: Glue, Athena, S3, SNS and Lambda.

Results have the fields that AWS documents, errors have AWS's names. A `.sync` task waits for its child and stops
it when the task is timed out or the execution ended.
"""

from __future__ import annotations

import contextlib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

from ministack import app
from ministack.core.responses import get_account_id, get_region
from ministack.services import athena, glue, sns
from ministack.services import stepfunctions as sfn
from ministack.services.stepfunctions import _ExecutionError

from ..core import request_log
from ..iam import permissions
from . import tasks

POLL_SECONDS = 0.2
GLUE_ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")
ATHENA_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")

SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"

Handler = Callable[[str, dict], object]


def integrations() -> dict[str, Handler]:
    """Handlers by resource. MiniStack looks them up by prefix, without `.sync`."""
    return {
        "arn:aws:states:::glue:startJobRun": _start_job_run,
        "arn:aws:states:::athena:startQueryExecution": _start_query_execution,
        "arn:aws:states:::athena:stopQueryExecution": _athena_call("StopQueryExecution"),
        "arn:aws:states:::athena:getQueryExecution": _athena_call("GetQueryExecution"),
        "arn:aws:states:::athena:getQueryResults": _athena_call("GetQueryResults"),
        "arn:aws:states:::aws-sdk:glue:startCrawler": _crawler_call("StartCrawler"),
        "arn:aws:states:::aws-sdk:glue:getCrawler": _crawler_call("GetCrawler"),
        "arn:aws:states:::aws-sdk:s3:getObject": _get_object,
        "arn:aws:states:::aws-sdk:cloudwatch:putMetricData": _put_metric_data,
        "arn:aws:states:::sns:publish": _publish,
    }


SYNC_RESOURCES = (
    "arn:aws:states:::glue:startJobRun.sync",
    "arn:aws:states:::athena:startQueryExecution.sync",
    "arn:aws:states:::states:startExecution.sync",
    "arn:aws:states:::states:startExecution.sync:2",
    "arn:aws:states:::ecs:runTask.sync",
)


def check_resource(resource: str) -> None:
    """Reject what would otherwise be ignored: a pattern that the service does not have, or an unknown resource."""
    if ".sync" in resource and resource not in SYNC_RESOURCES:
        raise _ExecutionError("States.Runtime", f"The resource {resource} is not supported by the local stack")
    known = resource.removesuffix(".sync").removesuffix(".waitForTaskToken")
    for name in integrations():
        if known.startswith(name) and known != name and not known.startswith("arn:aws:states:::aws-sdk:"):
            raise _ExecutionError("States.Runtime", f"The resource {resource} is not supported by the local stack")
    if not resource.startswith(("arn:aws:states:::", "arn:aws:lambda:")) and ":activity:" not in resource:
        raise _ExecutionError("States.Runtime", f"The resource {resource} is not supported by the local stack")


def check_known_permission(resource: str) -> None:
    """If permissions are enforced, reject calls for which no role policy is evaluated here."""
    known = resource.removesuffix(".sync")
    if app.AUTH and known not in integrations():
        raise _ExecutionError(
            "States.Runtime",
            f"The local stack does not know which permissions {resource} needs: add them in "
            "emulator/states/integrations.py",
        )


def _require(error: str, action: str, *arns: str, keys: dict[str, str] | None = None) -> None:
    """The state machine's role must allow the call. `error` is Step Functions' name for a denial of the service."""
    try:
        permissions.require(action, *arns, keys=keys)
    except permissions.Denied as denial:
        request_log.add(permissions.caller(), denial.action, denial.resource, status=403)
        service = error.split(".")[0]
        raise _ExecutionError(
            error, f"{denial} (Service: {service}; Status Code: 403; Error Code: AccessDeniedException)"
        ) from None


def _counted(action: str, arn: str, arguments: dict, answer: tuple, operation: str | None = None) -> tuple:
    """Return the answer, and log the call.

    Called once for each task. Step Functions' polls of a child are not counted: AWS does not bill them.
    """
    status, _, body = answer
    sent = len(json.dumps(arguments)) if arguments else 0
    caller = permissions.caller()
    request_log.add(caller, action, arn, operation=operation, status=status, bytes_in=sent, bytes_out=len(body))
    return answer


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


# ---- Glue ----


def _start_job_run(resource: str, arguments: dict) -> object:
    name = arguments.get("JobName")

    def allowed(action: str) -> None:
        _require("Glue.AccessDeniedException", action, _arn("glue", f"job/{name}"))

    allowed("glue:StartJobRun")
    started = _counted("glue:StartJobRun", _arn("glue", f"job/{name}"), arguments, glue._start_job_run(arguments))
    run_id = _answer("Glue", started)["JobRunId"]
    if not resource.endswith(".sync"):
        return {"JobRunId": run_id}
    tasks.submitted({"JobRunId": run_id})

    def run() -> dict:
        allowed("glue:GetJobRun")
        return _answer("Glue", glue._get_job_run({"JobName": name, "RunId": run_id}))["JobRun"]

    def stop() -> None:
        allowed("glue:BatchStopJobRun")
        stopped = {"JobName": name, "JobRunIds": [run_id]}
        answer = glue._batch_stop_job_run(stopped)
        _counted("glue:BatchStopJobRun", _arn("glue", f"job/{name}"), stopped, answer)

    record = _wait(run, lambda record: record["JobRunState"] in GLUE_ENDED, stop)
    shown = _in_milliseconds(record, ("StartedOn", "CompletedOn", "LastModifiedOn"))
    if record["JobRunState"] != "SUCCEEDED":
        raise _ExecutionError("States.TaskFailed", json.dumps(shown))
    return shown


def _crawler_call(action: str) -> Handler:
    def call(_resource: str, arguments: dict) -> object:
        if set(arguments) != {"Name"}:
            raise _ExecutionError("States.Runtime", f"glue:{action} needs Name and nothing else, got {arguments}")
        arn = _arn("glue", f"crawler/{arguments['Name']}")
        _require("Glue.GlueException", f"glue:{action}", arn)
        answer = _serve("glue", f"AWSGlue.{action}", arguments)
        return _answer("Glue", _counted(f"glue:{action}", arn, arguments, answer))

    return call


# ---- Athena ----


def _start_query_execution(resource: str, arguments: dict) -> object:
    query_id = _athena("StartQueryExecution", arguments)["QueryExecutionId"]
    if not resource.endswith(".sync"):
        return {"QueryExecutionId": query_id}
    which = {"QueryExecutionId": query_id}
    tasks.submitted(which)
    result = _wait(
        lambda: _athena("GetQueryExecution", which, counted=False),
        lambda result: result["QueryExecution"]["Status"]["State"] in ATHENA_ENDED,
        lambda: _athena("StopQueryExecution", which),
    )
    if result["QueryExecution"]["Status"]["State"] != "SUCCEEDED":
        raise _ExecutionError("States.TaskFailed", json.dumps(result))
    return result


def _athena_call(action: str) -> Handler:
    return lambda resource, arguments: _athena(action, arguments)


def _athena(action: str, arguments: dict, *, counted: bool = True) -> dict:
    """One call of the Athena API, with Step Functions' error names."""
    workgroup = _arn("athena", f"workgroup/{_workgroup(arguments)}")
    _require("Athena.AccessDeniedException", f"athena:{action}", workgroup)
    answer = _serve("athena", f"AmazonAthena.{action}", arguments)
    result = _answer("Athena", _counted(f"athena:{action}", workgroup, arguments, answer) if counted else answer)
    status = result.get("QueryExecution", {}).get("Status")
    if status:
        status.update(_in_milliseconds(status, ("SubmissionDateTime", "CompletionDateTime")))
    return result


def _workgroup(arguments: dict) -> str:
    """The request's workgroup, or that of the query execution that it names."""
    execution = athena._executions.get(arguments.get("QueryExecutionId")) or {}
    return arguments.get("WorkGroup") or execution.get("WorkGroup") or "primary"


# ---- S3, SNS, Lambda ----


def _get_object(resource: str, arguments: dict) -> object:
    if (
        resource != "arn:aws:states:::aws-sdk:s3:getObject"
    ):  # other actions, such as getObjectTagging, have the same prefix
        return sfn._invoke_aws_sdk_integration(resource, arguments)
    unknown = set(arguments) - {"Bucket", "Key", "VersionId", "Range", "IfMatch", "IfNoneMatch"}
    if unknown or not {"Bucket", "Key"} <= set(arguments):
        raise _ExecutionError(
            "States.Runtime", f"s3:getObject needs Bucket and Key; not supported locally: {sorted(unknown)}"
        )
    action = "s3:GetObjectVersion" if arguments.get("VersionId") else "s3:GetObject"
    arn = f"arn:aws:s3:::{arguments['Bucket']}/{arguments['Key']}"
    _require("S3.S3Exception", action, arn)
    # MiniStack treats a request without credentials as anonymous. The role was checked above.
    headers = {"host": "s3.local", "authorization": SIGNED, "range": arguments.get("Range")}
    headers |= {"if-match": arguments.get("IfMatch"), "if-none-match": arguments.get("IfNoneMatch")}
    query = {"versionId": arguments["VersionId"]} if arguments.get("VersionId") else {}
    answer = app.call_service_handler_sync(
        app.SERVICE_HANDLERS["s3"],
        "GET",
        f"/{arguments['Bucket']}/{arguments['Key']}",
        {name: value for name, value in headers.items() if value},
        b"",
        query,
    )
    status, answered, body = _counted(action, arn, {}, answer, operation="GetObject")
    if status >= 300:
        code, message = _xml_error(body)
        raise _ExecutionError(
            f"S3.{code if code.endswith('Exception') else code + 'Exception'}",
            f"{message} (Service: S3, Status Code: {status})",
        )
    return _object_fields({name.lower(): value for name, value in answered.items()}, body)


def _object_fields(headers: dict[str, str], body: bytes) -> dict:
    fields = {
        "AcceptRanges": headers.get("accept-ranges", "bytes"),
        "Body": bytes(body).decode("utf-8", "replace"),
        "ContentLength": len(body),
        "ContentType": headers.get("content-type"),
        "ETag": headers.get("etag"),
        "LastModified": headers.get("last-modified"),
        "VersionId": headers.get("x-amz-version-id"),
        "Metadata": {
            name.removeprefix("x-amz-meta-"): value for name, value in headers.items() if name.startswith("x-amz-meta-")
        },
    }
    return {name: value for name, value in fields.items() if value is not None}


def _put_metric_data(resource: str, arguments: dict) -> object:
    """Rejects what CloudWatch rejects. MiniStack accepts any metric."""
    namespace = {"cloudwatch:namespace": str(arguments.get("Namespace"))}
    _require("CloudWatch.CloudWatchException", "cloudwatch:PutMetricData", "*", keys=namespace)
    problem = _metric_problem(arguments)
    if problem:
        raise _ExecutionError("CloudWatch.InvalidParameterValueException", f"{problem} (Service: CloudWatch)")
    answer = _serve("monitoring", "GraniteServiceVersion20100801.PutMetricData", arguments)
    _answer("CloudWatch", _counted("cloudwatch:PutMetricData", "*", arguments, answer))
    return {}


def _metric_problem(arguments: dict) -> str | None:
    if not arguments.get("Namespace") or str(arguments["Namespace"]).startswith("AWS/"):
        return f"The namespace {arguments.get('Namespace')!r} is empty or reserved for AWS."
    data = arguments.get("MetricData")
    if not isinstance(data, list) or not data:
        return "MetricData must be a list of metrics."
    for datum in data:
        if not isinstance(datum, dict) or not datum.get("MetricName"):
            return "Each metric must have a MetricName."
        value = datum.get("Value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"The value of {datum['MetricName']} must be a number, got {value!r}."
    return None


def _publish(resource: str, arguments: dict) -> object:
    topic = str(arguments.get("TopicArn"))
    _require("SNS.AuthorizationErrorException", "sns:Publish", topic)
    status, _, body = _counted("sns:Publish", topic, arguments, sns._publish(arguments))
    if status >= 400:
        code, message = _xml_error(body)
        name = code if code.endswith("Exception") else f"{code}Exception"
        raise _ExecutionError(
            f"SNS.{name}", f"{message} (Service: AmazonSNS; Status Code: {status}; Error Code: {code})"
        )
    return {"MessageId": _xml_text(body, "MessageId")}


def invoke_lambda(arguments: dict) -> object:
    """The optimised lambda:invoke: without a Payload the function gets an empty object, not the arguments."""
    reference = arguments.get("FunctionName")
    if not reference:
        raise _ExecutionError("States.Runtime", "lambda:invoke needs FunctionName")
    unknown = set(arguments) - {"FunctionName", "Payload", "Qualifier", "InvocationType"}
    if unknown or arguments.get("InvocationType", "RequestResponse") != "RequestResponse":
        raise _ExecutionError("States.Runtime", f"lambda:invoke: not supported locally: {sorted(unknown) or arguments}")
    function = sfn._resolve_lambda_function_ref(reference, optimized=True)
    qualifier = arguments.get("Qualifier")
    arn = function if function.startswith("arn:") else _arn("lambda", f"function:{function}")
    arn = f"{arn}:{qualifier}" if qualifier else arn
    _require("Lambda.AWSLambdaException", "lambda:InvokeFunction", arn)
    payload = arguments.get("Payload", {})
    # Before it runs, as a function that fails was invoked too.
    _counted("lambda:InvokeFunction", arn, payload, (200, {}, b""), operation="Invoke")
    result = sfn._call_lambda(f"{function}:{qualifier}" if qualifier else function, payload)
    return {"ExecutedVersion": qualifier or "$LATEST", "Payload": result, "StatusCode": 200}


# ---- helpers ----


def _wait(read: Callable[[], dict], has_ended: Callable[[dict], bool], stop: Callable[[], object]) -> dict:
    cancellation = tasks.current()
    try:
        while not has_ended(record := read()):
            cancellation.sleep(POLL_SECONDS)
    except tasks.Cancelled:
        with contextlib.suppress(_ExecutionError):  # it may have just ended
            stop()
        raise
    return record


def _serve(service: str, target: str, arguments: dict) -> tuple:
    headers = {
        "x-amz-target": target,
        "content-type": "application/x-amz-json-1.1",
        "host": f"{service}.local",
    }
    body = json.dumps(arguments).encode()
    return app.call_service_handler_sync(app.SERVICE_HANDLERS[service], "POST", "/", headers, body, {})


def _answer(service: str, answer: tuple) -> dict:
    """The response of a JSON service, with Step Functions' error names."""
    status, _, body = answer
    result = json.loads(body) if body else {}
    if status >= 400:
        code = str(result.get("__type", "ServiceException")).rsplit("#", 1)[-1]
        message = result.get("message") or result.get("Message") or code
        raise _ExecutionError(
            f"{service}.{code}", f"{message} (Service: {service}; Status Code: {status}; Error Code: {code})"
        )
    return result


def _in_milliseconds(record: dict, names: tuple[str, ...]) -> dict:
    """Step Functions shows the times of these services as milliseconds since 1970."""
    return {
        key: round(value * 1000) if key in names and isinstance(value, (int, float)) else value
        for key, value in record.items()
    }


def _xml_error(body: bytes) -> tuple[str, str]:
    return _xml_text(body, "Code") or "Service", _xml_text(body, "Message") or "no message"


def _xml_text(body: bytes, name: str) -> str | None:
    try:
        root = ElementTree.fromstring(bytes(body))
    except ElementTree.ParseError:
        return None
    return next((element.text for element in root.iter() if element.tag.split("}")[-1] == name), None)
