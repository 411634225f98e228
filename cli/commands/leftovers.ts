// npm run leftovers: lists what is left of a stack on AWS after pulumi destroy, with the commands that remove it.

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
    if (region === undefined) throw new NoSuchStack(`The stack ${stack} has no region. Add --region NAME.`);
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
  for (const arn of stale)
    console.line(dim(`– ${arn}: only in AWS's tag index, which is updated with a delay`));
  if (found.length + unlisted.length === 0)
    console.line(green(`✓ The stack ${stack} left nothing in ${region}.`));
  else console.line(`${found.length} resources of the stack ${stack} are left in ${region}.`);
}
