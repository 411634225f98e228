// The resource types of the program that AWS charges nothing for, and why; every other type has a line in the model.

export const FREE: Readonly<Record<string, string>> = {
  "aws:iam/role:Role": "IAM is free",
  "aws:iam/rolePolicy:RolePolicy": "IAM is free",
  "aws:lambda/eventSourceMapping:EventSourceMapping": "part of Lambda; polling a stream is free",
  "aws:lambda/permission:Permission": "a policy, part of Lambda",
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": "a setting of the function",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a setting of the bucket",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "a setting of the bucket",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    "a setting of the bucket; a customer key's requests are a line of their own",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
    "a setting of the bucket; its transitions are a line of their own",
  "aws:s3/bucketPolicy:BucketPolicy": "a setting of the bucket",
  "aws:s3/bucketVersioning:BucketVersioning":
    "a setting of the bucket; the pipeline hardly overwrites or deletes",
  "aws:s3/bucketObjectv2:BucketObjectv2": "one small object, the job's script",
  "aws:sns/topicPolicy:TopicPolicy": "a setting of the topic",
  "aws:secretsmanager/secretVersion:SecretVersion": "part of the secret",
  "aws:kms/alias:Alias": "a name of the key",
  "aws:kms/keyPolicy:KeyPolicy": "a setting of the key",
  "aws:athena/namedQuery:NamedQuery": "a stored text",
  "aws:budgets/budget:Budget": "a budget that only reports is free",
  "aws:cloudwatch/eventRule:EventRule": "AWS's own events are free",
  "aws:cloudwatch/eventTarget:EventTarget": "part of the rule",
  "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "a policy of CloudWatch Logs",
  "aws:scheduler/scheduleGroup:ScheduleGroup": "a name that schedules share",
};
