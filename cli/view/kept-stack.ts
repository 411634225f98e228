// What --keep prints: the stack's endpoint, how tools reach it, and commands to try.
import { relative } from "node:path";
import type { LocalStack } from "../../local/stack";
import type { Console } from "./console";

export function showKept(stack: LocalStack, console: Console): void {
  const { bold, dim } = console.colours;
  const { outputs } = stack;
  const variables = Object.entries(stack.env).map(([name, value]) => `${name}=${value}`);
  console.heading(`The stack keeps running at ${stack.endpoint} until Ctrl+C (run ${stack.id})`);
  console.line();
  console.line(`export ${variables.join(" ")}`);
  console.line();
  console.line(bold("In another terminal, with or without that line:"));
  for (const command of ownCommands()) console.line(`  ${command}`);
  console.line(bold("With that line, the AWS CLI or any SDK:"));
  for (const command of awsCommands(outputs)) console.line(`  ${command}`);
  console.line(dim(`Mails, logs and objects are in ${relative(process.cwd(), stack.stateDir)}`));
}

function ownCommands(): string[] {
  return [
    'npm run query -- "SELECT event_date, count(*) AS events FROM events GROUP BY event_date ORDER BY 1"',
    `npm run execute -- '{"simulate": {"events": 500, "seed": 3}}'`,
  ];
}

function awsCommands(outputs: LocalStack["outputs"]): string[] {
  const { rawBucket, stateMachineArn, database, workgroup } = outputs;
  return [
    putCommand(outputs),
    `aws s3 ls --recursive s3://${rawBucket}/`,
    `aws stepfunctions list-executions --state-machine-arn ${stateMachineArn}`,
    `aws athena start-query-execution --work-group ${workgroup} --query-execution-context Database=${database} --query-string 'SELECT count(*) FROM events'`,
  ];
}

const EVENT = '{"event_type":"page_view","event_time":"2026-01-01T12:00:00Z","user_id":"me","page_url":"/"}';
/** Version 2 of the AWS CLI takes base64 otherwise. */
const AS_TEXT = "--cli-binary-format raw-in-base64-out";

function putCommand({ streamName, deliveryStreamName }: LocalStack["outputs"]): string {
  return deliveryStreamName
    ? `aws firehose put-record --delivery-stream-name ${deliveryStreamName} ${AS_TEXT} --record '${JSON.stringify({ Data: EVENT })}'`
    : `aws kinesis put-record --stream-name ${streamName} --partition-key me ${AS_TEXT} --data '${EVENT}'`;
}
