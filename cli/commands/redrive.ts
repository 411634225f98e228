// npm run redrive: sends the events of the dead-letter queue to their function again.
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { type CliTarget, openTarget } from "../../stack/target";
import type { RedriveOptions } from "../arguments/types";
import { type Found, redrive } from "../redrive/redrive";
import { Console, number } from "../view/console";
import { explainError } from "./query";

/** The stack has nothing to redrive. The message has the reason. */
class NoQueue extends Error {}

export async function main(options: RedriveOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  let target: CliTarget | undefined;
  try {
    target = openTarget(options);
    const { queueUrl, functionName } = queueOf(target);
    console.line(`In the dead-letter queue of ${target.name}:`);
    const found = await redrive({
      sqs: new SQSClient(target.clientConfig),
      lambda: new LambdaClient(target.clientConfig),
      queueUrl,
      functionName,
      dryRun: options["dry-run"] ?? false,
      onMessage: (one) => show(one, console),
    });
    const unknown = found.filter(({ fate }) => fate === "unknown").length;
    console.line(summaryOf(found, functionName));
    if (options.json)
      process.stdout.write(`${JSON.stringify({ queueUrl, functionName, messages: found })}\n`);
    return unknown === 0 ? 0 : 1;
  } catch (error) {
    const words = error instanceof NoQueue ? error.message : explainError(error, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

/** Only some ways have a queue: the others lack the outputs, or have empty ones. */
export function queueOf({ name, outputs }: Pick<CliTarget, "name" | "outputs">) {
  const { deadLetterQueueUrl = "", toParquetFunction = "" }: Record<string, string> = outputs;
  if (deadLetterQueueUrl !== "" && toParquetFunction !== "")
    return { queueUrl: deadLetterQueueUrl, functionName: toParquetFunction };
  throw new NoQueue(
    `${name} has no dead-letter queue: only a stack with way arrival has one. ` +
      "Batches that other ways gave up are objects under aws/ in the raw bucket (docs/operations.md).",
  );
}

function show({ messageId, fate, objects, error }: Found, console: Console): void {
  const { green, red, dim } = console.colours;
  if (fate === "unknown") {
    console.line(red(`✗ message ${messageId} is no event of S3 and stays in the queue`));
    return;
  }
  const sign = fate === "sent" ? green("✓ sent again") : dim("– waits");
  console.line(`${sign}: ${objects.join(", ")}`);
  console.line(dim(`    ${error}`));
}

export function summaryOf(found: readonly Found[], functionName: string): string {
  const count = (fate: Found["fate"]) => found.filter((one) => one.fate === fate).length;
  if (found.length === 0) return "It is empty.";
  const parts = [
    [count("sent"), `sent to ${functionName} again`],
    [count("listed"), "would be sent again without --dry-run"],
    [count("unknown"), "not understood and kept"],
  ] as const;
  return `${parts
    .filter(([messages]) => messages > 0)
    .map(([messages, what]) => `${number(messages)} ${what}`)
    .join(", ")}.`;
}
