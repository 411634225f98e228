"""Makes aws-types.json: what AWS itself says of the program's resource types, out of cfn-lint's CloudFormation schemas.

Run by hand after an update of cfn-lint, or when the program declares a new type:
.local/venv/bin/python test/infra/aws_types.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import cfnlint

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
REGION = "us-east-1"

# Pulumi's types and CloudFormation's. What is a resource of its own for Pulumi and a part of another one for
# CloudFormation is given that one, and after a slash the part.
TYPES = {
    "aws:apigatewayv2/api:Api": "AWS::ApiGatewayV2::Api",
    "aws:apigatewayv2/integration:Integration": "AWS::ApiGatewayV2::Integration",
    "aws:apigatewayv2/route:Route": "AWS::ApiGatewayV2::Route",
    "aws:apigatewayv2/stage:Stage": "AWS::ApiGatewayV2::Stage",
    "aws:athena/namedQuery:NamedQuery": "AWS::Athena::NamedQuery",
    "aws:athena/workgroup:Workgroup": "AWS::Athena::WorkGroup",
    "aws:budgets/budget:Budget": "AWS::Budgets::Budget",
    "aws:cloudwatch/dashboard:Dashboard": "AWS::CloudWatch::Dashboard",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "AWS::Logs::MetricFilter",
    "aws:cloudwatch/logStream:LogStream": "AWS::Logs::LogStream",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "aws:glue/catalogDatabase:CatalogDatabase": "AWS::Glue::Database",
    "aws:glue/catalogTable:CatalogTable": "AWS::Glue::Table",
    "aws:glue/crawler:Crawler": "AWS::Glue::Crawler",
    "aws:glue/job:Job": "AWS::Glue::Job",
    "aws:iam/role:Role": "AWS::IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "AWS::IAM::RolePolicy",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "AWS::KinesisFirehose::DeliveryStream",
    "aws:kinesis/stream:Stream": "AWS::Kinesis::Stream",
    "aws:kms/alias:Alias": "AWS::KMS::Alias",
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "AWS::Lambda::EventSourceMapping",
    "aws:lambda/function:Function": "AWS::Lambda::Function",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "AWS::Lambda::EventInvokeConfig",
    "aws:lambda/permission:Permission": "AWS::Lambda::Permission",
    "aws:s3/bucket:Bucket": "AWS::S3::Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "AWS::S3::Bucket/LifecycleConfiguration",
    "aws:s3/bucketNotification:BucketNotification": "AWS::S3::Bucket/NotificationConfiguration",
    "aws:s3/bucketObjectv2:BucketObjectv2": None,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "AWS::S3::Bucket/OwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy": "AWS::S3::BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "AWS::S3::Bucket/PublicAccessBlockConfiguration",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "AWS::S3::Bucket/BucketEncryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "AWS::S3::Bucket/VersioningConfiguration",
    "aws:scheduler/schedule:Schedule": "AWS::Scheduler::Schedule",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "AWS::Scheduler::ScheduleGroup",
    "aws:secretsmanager/secret:Secret": "AWS::SecretsManager::Secret",
    "aws:secretsmanager/secretVersion:SecretVersion": None,
    "aws:sfn/stateMachine:StateMachine": "AWS::StepFunctions::StateMachine",
    "aws:sns/topic:Topic": "AWS::SNS::Topic",
    "aws:sns/topicPolicy:TopicPolicy": "AWS::SNS::TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription": "AWS::SNS::Subscription",
    "aws:sqs/queue:Queue": "AWS::SQS::Queue",
    "aws:sqs/queuePolicy:QueuePolicy": "AWS::SQS::QueuePolicy",
}

# Properties that Pulumi calls by another name than CloudFormation's with a small first letter.
RENAMED = {
    ("AWS::ApiGatewayV2::Stage", "StageName"): "name",
    ("AWS::Athena::WorkGroup", "Name"): "name",
    ("AWS::CloudWatch::Alarm", "AlarmName"): "name",
    ("AWS::Glue::Database", "DatabaseName"): "name",
    ("AWS::IAM::Role", "RoleName"): "name",
    ("AWS::IAM::RolePolicy", "PolicyName"): "name",
    ("AWS::IAM::RolePolicy", "RoleName"): "role",
    ("AWS::KMS::Alias", "AliasName"): "name",
    ("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName"): "name",
    ("AWS::KinesisFirehose::DeliveryStream", "MSKSourceConfiguration"): "mskSourceConfiguration",
    ("AWS::Lambda::Function", "FunctionName"): "name",
    ("AWS::Lambda::Permission", "FunctionName"): "function",
    ("AWS::Logs::LogGroup", "LogGroupName"): "name",
    ("AWS::Logs::LogStream", "LogStreamName"): "name",
    ("AWS::Logs::MetricFilter", "FilterName"): "name",
    ("AWS::S3::Bucket", "BucketName"): "bucket",
    ("AWS::S3::Bucket", "BucketNamePrefix"): "bucketPrefix",
    ("AWS::SNS::Subscription", "TopicArn"): "topic",
    ("AWS::SNS::Topic", "TopicName"): "name",
    ("AWS::SQS::Queue", "QueueName"): "name",
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): "name",
    ("AWS::StepFunctions::StateMachine", "StateMachineType"): "type",
}

# Where CloudFormation has no such type, or would update what Pulumi's provider replaces: ForceNew in the Terraform
# provider that it is made from (internal/service/kms/key.go, internal/service/secretsmanager/secret_version.go, ...).
ALSO = {
    "aws:glue/crawler:Crawler": ["databaseName"],
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ["destination"],
    "aws:sqs/queuePolicy:QueuePolicy": ["queueUrl"],
    "aws:s3/bucketObjectv2:BucketObjectv2": ["bucket", "key"],
    "aws:secretsmanager/secretVersion:SecretVersion": ["secretId", "secretString", "secretBinary"],
    "aws:kms/key:Key": ["customerMasterKeySpec", "keyUsage", "multiRegion", "customKeyStoreId", "xksKeyId"],
    "aws:scheduler/schedule:Schedule": ["groupName"],
}


def schema(cloud_formation: str) -> dict:
    listing = json.loads((SCHEMAS / "providers" / f"{REGION}.json").read_text())
    return json.loads((SCHEMAS / "resources" / f"{listing[cloud_formation]}.json").read_text())


def pulumi_name(cloud_formation: str, pointer: str) -> str:
    property_name = pointer.rsplit("/", 1)[-1]
    first = property_name[0].lower() + property_name[1:]
    return RENAMED.get((cloud_formation, property_name), first)


def describe(pulumi_type: str, cloud_formation: str | None) -> dict:
    also = ALSO.get(pulumi_type, [])
    if cloud_formation is None:
        return {"cloudFormation": None, "replaces": sorted(also)}
    whole, _, part = cloud_formation.partition("/")
    if part:
        return {"cloudFormation": cloud_formation, "replaces": ["bucket"]}
    found = schema(whole)
    replaces = {pulumi_name(whole, pointer) for pointer in found.get("createOnlyProperties", [])}
    # Pulumi's prefix of an automatic name is one, too.
    if "name" in replaces:
        replaces.add("namePrefix")
    return {"cloudFormation": whole, "replaces": sorted(replaces | set(also))}


def document() -> dict:
    schema_date = json.loads((SCHEMAS / "version.json").read_text())["schema_date"]
    return {
        "source": f"CloudFormation resource schemas of {schema_date[:10]} in cfn-lint {version('cfn-lint')}",
        "types": {name: describe(name, cloud_formation) for name, cloud_formation in sorted(TYPES.items())},
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("aws-types.json")
    target.write_text(json.dumps(document(), indent=2) + "\n")
