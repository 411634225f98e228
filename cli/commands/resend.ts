// npm run resend: sends the records that Firehose gave up to the delivery stream again.
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { S3Client } from "@aws-sdk/client-s3";
import { deliveryDestination } from "../../lambdas/shared/destination";
import { systemClock } from "../../lambdas/shared/runtime";
import { PutFailed } from "../../lambdas/shared/sender";
import { type CliTarget, openTarget } from "../../stack/target";
import type { ResendOptions } from "../arguments/types";
import { plural } from "../report/words";
import { type Found, resend } from "../resend/resend";
import { Console } from "../view/console";
import { explainError } from "./query";

/** The stack has no delivery stream. The message says what it has. */
class NoDeliveryStream extends Error {}

export async function main(options: ResendOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  let target: CliTarget | undefined;
  try {
    target = openTarget(options);
    const { rawBucket } = target.outputs;
    const deliveryStreamName = deliveryStreamOf(target);
    const client = new FirehoseClient(target.clientConfig);
    const destination = deliveryDestination(client, deliveryStreamName);
    console.line(`Records that Firehose gave up in ${target.name}:`);
    const found = await resend({
      s3: new S3Client(target.clientConfig),
      bucket: rawBucket,
      sender: () => destination.sender({ clock: systemClock, random: Math.random }),
      dryRun: options["dry-run"] ?? false,
      onObject: (one) => show(one, rawBucket, console),
    });
    console.line(summaryOf(found, deliveryStreamName));
    if (options.json)
      process.stdout.write(`${JSON.stringify({ bucket: rawBucket, deliveryStreamName, objects: found })}\n`);
    return found.some(({ unreadable }) => unreadable.length > 0) ? 1 : 0;
  } catch (error) {
    const isOwn = error instanceof NoDeliveryStream || error instanceof PutFailed;
    const words = isOwn ? error.message : explainError(error, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

/** With a Kinesis stream, Lambda keeps what was given up in another form, and in another place. */
export function deliveryStreamOf({ name, outputs }: Pick<CliTarget, "name" | "outputs">): string {
  if (outputs.deliveryStreamName) return outputs.deliveryStreamName;
  throw new NoDeliveryStream(
    `${name} has no delivery stream: its events come by the Kinesis stream ${outputs.streamName} (way stream). ` +
      'Batches that Lambda gave up are under aws/lambda/ in the raw bucket; docs/operations.md, "Alarm batches-given-up", ' +
      "has the commands that send them again.",
  );
}

function show({ key, fate, records, copies, unreadable }: Found, bucket: string, console: Console): void {
  const { green, red, dim } = console.colours;
  const what = plural(records, "record") + (copies > 0 ? ` (${copies} of them from an object before)` : "");
  if (fate === "sent") console.line(`${green("✓ sent again")}: ${what} of ${key}`);
  else if (fate === "listed") console.line(`${dim("– waits")}: ${what} in ${key}`);
  else {
    const lines = unreadable.length === 1 ? "line" : "lines";
    const first = unreadable.slice(0, 10).join(", ");
    console.line(
      red(
        `✗ stays: s3://${bucket}/${key}: ${lines} ${first}${unreadable.length > 10 ? ", ..." : ""} cannot be read`,
      ),
    );
  }
}

export function summaryOf(found: readonly Found[], deliveryStreamName: string): string {
  if (found.length === 0) return "There are none.";
  const count = (fate: Found["fate"]) => {
    const some = found.filter((one) => one.fate === fate);
    return {
      objects: plural(some.length, "object"),
      records: plural(
        some.reduce((sum, { records }) => sum + records, 0),
        "record",
      ),
      some: some.length > 0,
    };
  };
  const [sent, listed, kept] = [count("sent"), count("listed"), count("kept")];
  const parts = [
    [sent, `${sent.records} of ${sent.objects} sent to ${deliveryStreamName} again`],
    [listed, `${listed.records} of ${listed.objects} would be sent again without --dry-run`],
    [kept, `${kept.objects} kept, as not every line can be read`],
  ] as const;
  return `${parts
    .filter(([{ some }]) => some)
    .map(([, what]) => what)
    .join(", ")}.`;
}
