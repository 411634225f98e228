// npm run live: a page on this machine that shows the events of a stack as they arrive.
import { PortTaken } from "../../local/loopback";
import { aborted, Interrupted, onInterrupt } from "../../stack/interrupt";
import { type CliTarget, openTarget } from "../../stack/target";
import type { LiveOptions } from "../arguments/types";
import type { Source } from "../live/messages";
import { type Watch, watchEvents } from "../live/watch";
import { Console, number } from "../view/console";
import { explainError } from "./query";

export async function main(options: LiveOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  const signal = onInterrupt();
  let target: CliTarget | undefined;
  let watch: Watch | undefined;
  try {
    target = openTarget(options);
    watch = await watchEvents({ target, port: options.port ?? 0, signal });
    const { origin, source } = watch;
    if (options.json)
      process.stdout.write(`${JSON.stringify({ url: origin, target: target.name, ...source })}\n`);
    console.line(`Events of ${target.name} as they arrive: ${console.colours.bold(origin)}`);
    console.line(console.colours.dim(whatItReads(source)));
    await Promise.race([watch.ended, aborted(signal)]);
    return 0;
  } catch (error) {
    if (signal.aborted && watch !== undefined) return ended(watch, console);
    if (error instanceof Interrupted) return error.exitCode;
    const words = error instanceof PortTaken ? error.message : explainError(error, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json && watch === undefined) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
    await watch?.close();
  }
}

function whatItReads(source: Source): string {
  const read =
    "streamName" in source
      ? "It reads the stream"
      : `It reads what Firehose writes to S3, after up to ${source.bufferSeconds} s of buffering,`;
  return `Only this machine can open it. ${read} and changes nothing. Ctrl+C ends it.`;
}

/** Ctrl+C is how this command ends, so it is no failure. */
function ended({ feed }: Watch, console: Console): number {
  const { total, accepted, quarantined, duplicate } = feed.counts.summary();
  console.line();
  console.line(
    `${number(total)} lines seen: ${number(accepted)} accepted, ${number(quarantined)} quarantined, ${number(duplicate)} duplicates`,
  );
  return 0;
}
