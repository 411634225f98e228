"""Makes aws-names.json: what AWS's services allow as a name, for each name that the program or Pulumi gives.

Out of the service models in botocore. Run by hand after an update of botocore, or when the program names a new type:
.local/venv/bin/python test/infra/aws_names.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import botocore.session

# Pulumi's type and input, and the service, operation and member that AWS takes it by.
NAMES = {
    "aws:athena/namedQuery:NamedQuery name": ("athena", "CreateNamedQuery", "Name"),
    "aws:athena/workgroup:Workgroup name": ("athena", "CreateWorkGroup", "Name"),
    "aws:budgets/budget:Budget name": ("budgets", "CreateBudget", "Budget.BudgetName"),
    "aws:cloudwatch/logGroup:LogGroup name": ("logs", "CreateLogGroup", "logGroupName"),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter name": ("logs", "PutMetricFilter", "filterName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm name": ("cloudwatch", "PutMetricAlarm", "AlarmName"),
    "aws:glue/catalogDatabase:CatalogDatabase name": ("glue", "CreateDatabase", "DatabaseInput.Name"),
    "aws:glue/catalogTable:CatalogTable name": ("glue", "CreateTable", "TableInput.Name"),
    "aws:glue/job:Job name": ("glue", "CreateJob", "Name"),
    "aws:iam/role:Role name": ("iam", "CreateRole", "RoleName"),
    "aws:iam/role:Role path": ("iam", "CreateRole", "Path"),
    "aws:iam/rolePolicy:RolePolicy name": ("iam", "PutRolePolicy", "PolicyName"),
    "aws:kinesis/stream:Stream name": ("kinesis", "CreateStream", "StreamName"),
    "aws:kms/alias:Alias name": ("kms", "CreateAlias", "AliasName"),
    "aws:scheduler/schedule:Schedule name": ("scheduler", "CreateSchedule", "Name"),
    "aws:scheduler/scheduleGroup:ScheduleGroup name": ("scheduler", "CreateScheduleGroup", "Name"),
    "aws:secretsmanager/secret:Secret name": ("secretsmanager", "CreateSecret", "Name"),
    "aws:sfn/stateMachine:StateMachine name": ("stepfunctions", "CreateStateMachine", "name"),
}

# Where the model says nothing, or less than the service's documentation: written down by hand from the latter.
BY_HAND = {
    # docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html: at most 128
    "aws:apigatewayv2/api:Api name": {"min": 1, "max": 128},
    "aws:apigatewayv2/stage:Stage name": {"min": 1, "max": 128, "pattern": "[$a-zA-Z0-9_-]+"},
    "aws:cloudwatch/dashboard:Dashboard dashboardName": {"max": 255, "pattern": "[A-Za-z0-9_-]+"},
    # The length of a name alone; the model's is that of an ARN.
    "aws:lambda/function:Function name": {"max": 64, "pattern": "[a-zA-Z0-9-_]+"},
    "aws:s3/bucket:Bucket bucket": {"min": 3, "max": 63, "pattern": "[a-z0-9][a-z0-9.-]*[a-z0-9]"},
    "aws:sns/topic:Topic name": {"max": 256, "pattern": "[a-zA-Z0-9_-]+"},
    # docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html, "custom prefix".
    "aws:glue/job:Job defaultArguments.--custom-logGroup-prefix": {"max": 400, "pattern": "[A-Za-z0-9_/-]+"},
}


def limits(service: str, operation: str, member: str) -> dict:
    # botocore's shapes are lazy properties, which a type checker takes for what makes them.
    shape: Any = SESSION.get_service_model(service).operation_model(operation).input_shape
    for part in member.split("."):
        shape = shape.members[part]
    return {key: shape.metadata[key] for key in ("min", "max", "pattern") if key in shape.metadata}


SESSION = botocore.session.get_session()

if __name__ == "__main__":
    found = {name: limits(*where) for name, where in NAMES.items()} | BY_HAND
    document = {
        "source": f"service models of botocore {version('botocore')}, and test/infra/aws_names.py",
        "names": {name: found[name] for name in sorted(found)},
    }
    Path(__file__).with_name("aws-names.json").write_text(json.dumps(document, indent=2) + "\n")
