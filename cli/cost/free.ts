// The resource types that are free, each with the reason. Every other type of the program has a line in the model.

export const FREE: Readonly<Record<string, string>> = {
  "aws:apigatewayv2/integration:Integration": "part of the API, which is billed by the request",
  "aws:apigatewayv2/route:Route": "part of the API, which is billed by the request",
  "aws:apigatewayv2/stage:Stage": "part of the API, which is billed by the request",
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": "the metric that it counts has its own line",
  "aws:iam/role:Role": "IAM is free",
  "aws:iam/rolePolicy:RolePolicy": "IAM is free",
  "aws:lambda/eventSourceMapping:EventSourceMapping": "part of Lambda; polling a stream is free",
  "aws:lambda/permission:Permission": "a setting of the function",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a setting of the bucket",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "a setting of the bucket",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
    "a setting of the bucket; requests to a customer key have their own line",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration":
    "a setting of the bucket; transitions have their own line",
  "aws:s3/bucketPolicy:BucketPolicy": "a setting of the bucket",
  "aws:s3/bucketVersioning:BucketVersioning":
    "a setting of the bucket; the pipeline rarely overwrites or deletes objects",
  "aws:s3/bucketObjectv2:BucketObjectv2": "small objects: the job's script and its package",
  "aws:sns/topicPolicy:TopicPolicy": "a setting of the topic",
  "aws:secretsmanager/secretVersion:SecretVersion": "part of the secret",
  "aws:kms/alias:Alias": "a name of the key",
  "aws:athena/namedQuery:NamedQuery": "a stored query",
  "aws:budgets/budget:Budget": "a budget that only reports is free",
  "aws:scheduler/scheduleGroup:ScheduleGroup": "a group of schedules",
};
