// npm run empty-buckets: permanently deletes a stack's data, before `pulumi destroy`.
import { createInterface } from "node:readline/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { type Contents, contentsOf, emptyBucket, NotEmptied } from "../../stack/bucket-contents";
import { NoSuchStack, stackConfiguration } from "../../stack/configuration";
import { type CliTarget, openTarget } from "../../stack/target";
import type { EmptyBucketsOptions } from "../arguments/types";
import { stillRunning } from "../teardown/still-running";
import { Console, number } from "../view/console";
import { explainError } from "./query";

/** Nothing was deleted. The message has the reason and the remedy. */
class Refused extends Error {}

export async function main(options: EmptyBucketsOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  let target: CliTarget | undefined;
  try {
    if (options.stack !== undefined) refuseUnlessAllowed(options.stack);
    target = openTarget(options);
    await refuseWhileRunning(target, target.outputs, target.name);
    const { rawBucket, curatedBucket, resultsBucket } = target.outputs;
    const s3 = new S3Client(target.clientConfig);
    const found: Contents[] = [];
    for (const bucket of [rawBucket, curatedBucket, resultsBucket]) found.push(await contentsOf(s3, bucket));
    console.line(`In the buckets of ${target.name}:`);
    show(found, console);
    if (found.every(isEmpty)) console.line("They are empty.");
    else await agree(options, target, console);
    const deleted = await emptyAll(s3, found, console);
    if (options.json) process.stdout.write(`${JSON.stringify({ buckets: found, deleted })}\n`);
    return 0;
  } catch (error) {
    const known = error instanceof Refused || error instanceof NotEmptied || error instanceof NoSuchStack;
    const words = known ? error.message : explainError(error, target);
    if (words === undefined) throw error;
    console.setStatus("");
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

/** First safeguard: the stack's configuration. The second is the question in agree(). */
export function refuseUnlessAllowed(stack: string, root?: string): void {
  const { project, values } = stackConfiguration(stack, {}, root);
  const key = `${project}:allowDataLoss`;
  if (values[key] === "true") return;
  throw new Refused(
    `The stack ${stack} does not allow data loss: ${key} is ${values[key] ?? "not set"}. ` +
      `To allow it: pulumi config set ${key} true --stack ${stack} && pulumi up --stack ${stack}. Then run this command again.`,
  );
}

/** A running execution would write into the emptied buckets, and `pulumi destroy` would fail on them. */
export async function refuseWhileRunning(
  clients: Pick<CliTarget, "sfn" | "glue">,
  outputs: Pick<CliTarget["outputs"], "stateMachineArn" | "jobName">,
  name: string,
): Promise<void> {
  const found = await stillRunning(clients, outputs);
  if (found.length === 0) return;
  throw new Refused(
    `Nothing was deleted: ${name} is still running (${found.map(({ what }) => what).join(", ")}) and would write into the emptied buckets. ` +
      "Wait until it ends, or stop it with the commands below. Then run this command again:\n" +
      `${found.map(({ stop }) => `  ${stop}`).join("\n")}\n` +
      "If the schedule is enabled, disable it first: pulumi config set scheduleEnabled false && pulumi up",
  );
}

function isEmpty({ objects, noncurrent, deleteMarkers, uploads }: Contents): boolean {
  return objects + noncurrent + deleteMarkers + uploads === 0;
}

function show(found: Contents[], console: Console): void {
  console.table(
    ["bucket", "objects", "older versions", "delete markers", "open uploads", "bytes"],
    found.map(({ bucket, objects, noncurrent, deleteMarkers, uploads, bytes }) => [
      bucket,
      ...[objects, noncurrent, deleteMarkers, uploads, bytes].map(number),
    ]),
  );
}

async function agree(options: EmptyBucketsOptions, target: CliTarget, console: Console): Promise<void> {
  if (options.yes) return;
  const name = options.stack ?? "local";
  if (!process.stdin.isTTY || options.json) {
    throw new Refused(
      `Nothing was deleted. To delete everything permanently, run the same command with --yes.`,
    );
  }
  console.line(
    `This deletes everything in them, with all versions. It cannot be undone. pulumi destroy deletes the scripts bucket.`,
  );
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`Type ${name} to delete the data of ${target.name}: `);
  prompt.close();
  if (answer.trim() !== name)
    throw new Refused(`Nothing was deleted: the answer was ${JSON.stringify(answer)}, not ${name}.`);
}

async function emptyAll(s3: S3Client, found: Contents[], console: Console): Promise<number> {
  let all = 0;
  for (const contents of found.filter((one) => !isEmpty(one))) {
    const { bucket } = contents;
    const deleted = await emptyBucket(s3, bucket, (count) =>
      console.setStatus(`${bucket}: ${number(count)} deleted`),
    );
    console.setStatus("");
    console.line(console.colours.green(`✓ ${bucket}: ${number(deleted)} deleted`));
    all += deleted;
  }
  return all;
}
