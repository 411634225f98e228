// npm run leftovers: what AWS still has of a stack after pulumi destroy, each with the command that removes it.

import { explainAwsError } from "../../stack/aws-errors";
import { NoSuchStack, stackConfiguration } from "../../stack/configuration";
import type { LeftoversOptions } from "../arguments/types";
import { findLeftovers, type Leftovers } from "../teardown/leftovers";
import { Console } from "../view/console";

export async function main(options: LeftoversOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  const stack = options.stack ?? "dev";
  let region = options.region;
  try {
    const { project, values } = stackConfiguration(stack);
    region ??= values["aws:region"] ?? process.env.AWS_REGION;
    if (region === undefined) throw new NoSuchStack(`The stack ${stack} names no region: --region NAME.`);
    console.setStatus(`Listing every service in ${region}`);
    const leftovers = await findLeftovers({ region }, project, stack);
    console.setStatus("");
    if (options.json) process.stdout.write(`${JSON.stringify({ stack, region, ...leftovers })}\n`);
    else show(stack, region, leftovers, console);
    return leftovers.found.length + leftovers.unlisted.length === 0 ? 0 : 1;
  } catch (error) {
    console.setStatus("");
    const words = error instanceof NoSuchStack ? error.message : explainAwsError(error);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ stack, region, error: words })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

function show(stack: string, region: string, { found, stale, unlisted }: Leftovers, console: Console): void {
  const { green, red, dim } = console.colours;
  for (const { kind, id, remove } of found) {
    console.line(red(`✗ ${kind} ${id}`));
    console.line(`    ${remove} --region ${region}`);
  }
  for (const { kind, why } of unlisted) console.line(red(`✗ ${kind} could not be listed: ${why}`));
  for (const arn of stale) console.line(dim(`– ${arn}: only in AWS's index of tags, which lags behind`));
  if (found.length + unlisted.length === 0)
    console.line(green(`✓ Nothing of the stack ${stack} is left in ${region}.`));
  else console.line(`${found.length} left of the stack ${stack} in ${region}.`);
}
