// ARNs as AWS writes them, in the place of those that the mocks make up: checkers look at their form.

const HERE = "eu-west-1:123456789012";
const FORMS: Record<string, (name: string) => string> = {
  "aws:athena/workgroup:Workgroup": (name) => `athena:${HERE}:workgroup/${name}`,
  "aws:cloudwatch/logGroup:LogGroup": (name) => `logs:${HERE}:log-group:${name}`,
  "aws:glue/crawler:Crawler": (name) => `glue:${HERE}:crawler/${name}`,
  "aws:glue/job:Job": (name) => `glue:${HERE}:job/${name}`,
  "aws:iam/role:Role": (name) => `iam::123456789012:role/${name}`,
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (name) =>
    `firehose:${HERE}:deliverystream/${name}`,
  "aws:kinesis/stream:Stream": (name) => `kinesis:${HERE}:stream/${name}`,
  "aws:kms/key:Key": () => `kms:${HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
  "aws:lambda/function:Function": (name) => `lambda:${HERE}:function:${name}`,
  "aws:scheduler/scheduleGroup:ScheduleGroup": (name) => `scheduler:${HERE}:schedule-group/${name}`,
  "aws:secretsmanager/secretVersion:SecretVersion": (name) => `secretsmanager:${HERE}:secret:${name}-AbCdEf`,
  "aws:sfn/stateMachine:StateMachine": (name) => `states:${HERE}:stateMachine:${name}`,
  "aws:sqs/queue:Queue": (name) => `sqs:${HERE}:${name}`,
  "aws:sns/topic:Topic": (name) => `sns:${HERE}:${name}`,
};

/** Throws for an ARN of a type that it does not know, so that none is left unchecked. */
export function withRealArns(text: string): string {
  return text.replace(/arn:(aws:\w+\/\w+:\w+):([\w-]+)/g, (_, type: string, name: string) => {
    const form = FORMS[type];
    if (!form) throw new Error(`Give ${type} its form in test/external/arns.ts`);
    return `arn:aws:${form(name)}`;
  });
}
