// What the program declares with a given configuration: index.ts evaluated in process, with nothing made of it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { PROJECT_ROOT } from "./runs";

export interface Declared {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

const ACCOUNT = "123456789012";

/** `values` maps full keys (`clickstream:shardCount`, `aws:region`) to their text. One evaluation at a time. */
export async function declaredResources(
  project: string,
  stack: string,
  values: Record<string, string>,
): Promise<Declared[]> {
  const resources: Declared[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        if (!custom) return { id: undefined, state: inputs };
        resources.push({ type, name, inputs });
        const state = { name: `${name}-id`, bucket: `${name}-id`, arn: `arn:aws:mock:::${name}`, ...inputs };
        return { id: `${name}-id`, state };
      },
      call: ({ token }) => answer(token, values["aws:region"] ?? "us-east-1"),
    },
    project,
    stack,
    false,
  );
  pulumi.runtime.setAllConfig(values);
  // A broken configuration is thrown by the program itself, an error in an apply() reaches nobody else.
  const strays: unknown[] = [];
  const keep = (reason: unknown) => strays.push(reason);
  process.on("unhandledRejection", keep);
  try {
    await withoutStackTraces(async () => {
      await pulumi.runtime.runInPulumiStack(async () => freshProgram());
      await pulumi.runtime.disconnect();
    });
  } finally {
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    process.off("unhandledRejection", keep);
  }
  if (strays.length > 0) throw strays[0];
  // Resources are declared side by side: their order is chance.
  return resources.sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1));
}

/** Pulumi keeps one of each of its thousands of promises, mapped to the sources: two thirds of an evaluation's time. */
export async function withoutStackTraces<Result>(work: () => Promise<Result>): Promise<Result> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function answer(token: string, region: string): Record<string, string> {
  if (token.endsWith("getCallerIdentity")) return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root` };
  if (token.endsWith("getRegion")) return { region, name: region, id: region };
  if (token.endsWith("getPartition")) return { partition: "aws", dnsSuffix: "amazonaws.com" };
  return {};
}

/** index.ts anew. Its stages keep no state of their own, so that the modules under it need not be loaded again. */
export function freshProgram(root = PROJECT_ROOT): unknown {
  const require = createRequire(join(root, "index.ts"));
  delete require.cache[join(root, "index.ts")];
  return require("./index");
}
