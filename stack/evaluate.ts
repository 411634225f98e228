// Evaluates the Pulumi program in this process with Pulumi's own SDK. The caller takes the place of the engine.
import { createRequire } from "node:module";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { PROJECT_ROOT } from "./runs";

const SETTLING_TURNS = 5;

export interface Source {
  project: string;
  stack: string;
  organization?: string;
  /** Full configuration keys (`clickstream:shardCount`, `aws:region`) and their text. */
  values: Record<string, string>;
  /** The program to evaluate; by default index.ts of this project. */
  program?: () => unknown;
  /** False saves two thirds of the time: Pulumi keeps a source-mapped stack trace of each of its promises. */
  stackTraces?: boolean;
}

/** What the engine does for the program. */
export interface Engine {
  /** Gives a resource its id and the state that its outputs show. Components are not passed. */
  create(resource: pulumi.runtime.MockResourceArgs): MaybePromise<{ id: string; state: Properties }>;
  call(call: pulumi.runtime.MockCallArgs): MaybePromise<Properties>;
}

type MaybePromise<Value> = Value | Promise<Value>;
type Properties = Record<string, unknown>;

/** A resource or component as the SDK registered it. */
export interface Registered {
  type: string;
  name: string;
  /** Mocks do not see the option `protect`; the SDK keeps it here. */
  resource: pulumi.Resource & { __protect?: boolean };
  inputs: Properties;
}

export interface Evaluation {
  outputs: Properties;
  registered: Registered[];
}

let previous: Promise<unknown> = Promise.resolve();

/** Rejects with the first error. One evaluation at a time: Pulumi's runtime exists once per process. */
export function evaluateProgram(source: Source, engine: Engine): Promise<Evaluation> {
  const next = previous.then(() => evaluate(source, engine));
  previous = next.catch(() => undefined);
  return next;
}

async function evaluate(source: Source, engine: Engine): Promise<Evaluation> {
  const { stackTraceLimit } = Error;
  if (source.stackTraces === false) Error.stackTraceLimit = 0;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Nobody else sees an error that is thrown inside apply().
  process.on("unhandledRejection", fail);
  try {
    await setMocks(source, engine, fail);
    return await Promise.race([run(source.program ?? freshProgram), failed]);
  } catch (error) {
    // What depends on the failed resource waits forever. Pulumi need not report that as a leak when the process ends.
    pulumi.runtime.terminateRpcs();
    throw error;
  } finally {
    // One failure rejects several of Pulumi's promises. They belong to this evaluation, not to the next one.
    for (let turn = 0; turn < SETTLING_TURNS; turn++) await setImmediate();
    process.off("unhandledRejection", fail);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function setMocks(source: Source, engine: Engine, fail: (error: unknown) => void): Promise<void> {
  /** After a failure there is no answer, so that what depends on it never starts. */
  const answered = async <Value>(answer: () => MaybePromise<Value>): Promise<Value> => {
    try {
      return await answer();
    } catch (error) {
      fail(error);
      return new Promise<never>(() => undefined);
    }
  };
  await pulumi.runtime.setMocks(
    {
      newResource: (resource) =>
        resource.custom ? answered(() => engine.create(resource)) : { id: undefined, state: resource.inputs },
      call: (call) => answered(() => engine.call(call)),
    },
    source.project,
    source.stack,
    false,
    source.organization,
  );
  pulumi.runtime.setAllConfig(source.values);
}

async function run(program: () => unknown): Promise<Evaluation> {
  const registered: Registered[] = [];
  const outputs = await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ type, name, resource, props }) => {
      registered.push({ type, name, resource, inputs: props });
      return undefined;
    });
    return program();
  });
  await pulumi.runtime.disconnect(); // waits for what is still being registered
  await setImmediate(); // Node reports an unhandled rejection after the current turn
  return { outputs: { ...(outputs as Properties | undefined) }, registered };
}

/** Loads index.ts again. Its stages keep no state, so the modules that it imports stay loaded. */
export function freshProgram(root = PROJECT_ROOT): unknown {
  const require = createRequire(join(root, "index.ts"));
  delete require.cache[join(root, "index.ts")];
  return require("./index");
}
