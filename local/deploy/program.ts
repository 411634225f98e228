// Deploys the Pulumi program to the emulator: evaluates index.ts in this process with Pulumi's own SDK, and makes each
// resource that it declares with the handler of its type.
import { setImmediate } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { type ClientConfig, LOCAL_ACCOUNT, LOCAL_REGION } from "../../stack/aws";
import { errorText } from "../../stack/aws-errors";
import { readConfiguration } from "../../stack/configuration-files";
import { freshProgram } from "../../stack/declared";
import { makeClients } from "./clients";
import { answerCall } from "./functions";
import { handlers } from "./handlers";
import { findUnhonoured, type Unhonoured } from "./ignored-inputs";
import { automaticName, prefixedName } from "./naming";
import type { DeployContext, Deployed, Handler, Properties } from "./resource";
import { Secrets } from "./secrets";

export const STACK = "dev";
const SETTLING_TURNS = 5;
const DEFAULT_NAMING = { maximumLength: 255 };

export interface DeployOptions {
  root: string;
  clientConfig: ClientConfig;
  /** Configuration values over those of Pulumi.dev.yaml; keys with or without the project's namespace. */
  config?: Record<string, unknown>;
  /** Called as resources are declared and made. */
  onProgress?: (progress: { created: number; declared: number; resource: string }) => void;
  /** The program to evaluate; by default the project's own. */
  program?: () => unknown;
  /** Handlers instead of the whole table, for tests. */
  table?: Readonly<Record<string, Handler>>;
}

export interface Deployment {
  outputs: Record<string, unknown>;
  resources: number;
  /** The addresses that were subscribed by mail and wait for their confirmation. */
  mailSubscriptions: { address: string; topicArn: string }[];
  unhonoured: Unhonoured[];
  /** Removes everything, in reverse order. */
  destroy(): Promise<void>;
}

/** The deployment failed; the message names the resource and the cause. */
export class DeployError extends Error {
  override name = "DeployError";
}

let previous: Promise<unknown> = Promise.resolve();

/** One deployment at a time: Pulumi's runtime is one for the whole process. */
export function deploy(options: DeployOptions): Promise<Deployment> {
  const next = previous.then(() => new Deployer(options).run());
  previous = next.catch(() => undefined);
  return next;
}

interface Made {
  type: string;
  name: string;
  handler: Handler;
  deployed: Deployed<Properties>;
}

/** What the program made in Pulumi's SDK: mocks are not told of the option `protect`, the resource keeps it. */
interface Registered {
  type: string;
  name: string;
  resource: pulumi.Resource & { __protect?: boolean };
}

class Deployer {
  private readonly secrets = new Secrets();
  private readonly context: DeployContext;
  private readonly table: Readonly<Record<string, Handler>>;
  private readonly made: Made[] = [];
  private readonly unhonoured: Unhonoured[] = [];
  private readonly resources: Registered[] = [];
  private declared = 0;
  private fail: (error: Error) => void = () => undefined;

  constructor(private readonly options: DeployOptions) {
    this.table = options.table ?? handlers;
    this.context = {
      clients: makeClients(options.clientConfig),
      region: LOCAL_REGION,
      accountId: LOCAL_ACCOUNT,
      root: options.root,
      physicalName: (given) => given ?? "",
    };
  }

  async run(): Promise<Deployment> {
    const { project, values } = readConfiguration(this.options.root, STACK, {
      "aws:region": LOCAL_REGION,
      ...this.options.config,
    });
    await pulumi.runtime.setMocks(
      {
        newResource: (resource) => this.newResource(resource),
        call: (call) => this.call(call),
      },
      project,
      STACK,
      false,
      "local",
    );
    pulumi.runtime.setAllConfig(values);
    const outputs = await this.evaluate();
    return {
      outputs,
      resources: this.made.length,
      mailSubscriptions: this.mailSubscriptions(),
      // Resources are made side by side: the order of their ends is chance.
      unhonoured: this.unhonoured.sort((a, b) => (a.resource < b.resource ? -1 : 1)),
      destroy: () => this.destroy(),
    };
  }

  /** Ends with the first failure: what depends on a failed resource then never starts. */
  private async evaluate(): Promise<Record<string, unknown>> {
    const failed = new Promise<never>((_, reject) => {
      this.fail = reject;
    });
    // An error thrown inside apply() reaches nobody else.
    const stray = (reason: unknown) =>
      this.fail(reason instanceof Error ? reason : new Error(String(reason)));
    process.on("unhandledRejection", stray);
    try {
      const program = this.options.program ?? (() => freshProgram(this.options.root));
      const finished = pulumi.runtime
        .runInPulumiStack(async () => {
          pulumi.runtime.registerStackTransformation(({ type, name, resource }) => {
            this.resources.push({ type, name, resource });
            return undefined;
          });
          return program();
        })
        .then(async (outputs) => {
          await pulumi.runtime.disconnect(); // waits for what is still being registered
          await setImmediate(); // a rejection that nobody handled is told of after the current turn
          return outputs as Record<string, unknown>;
        });
      return await Promise.race([finished, failed]);
    } catch (error) {
      // What waits for the failed resource waits for ever; Pulumi need not report it as a leak when the process ends.
      pulumi.runtime.terminateRpcs();
      const message = error instanceof Error ? error.message : String(error);
      throw new DeployError(this.secrets.blot(message), { cause: error });
    } finally {
      // One failure has several echoes in Pulumi's promises: they belong to this deployment, not to what comes next.
      for (let turn = 0; turn < SETTLING_TURNS; turn++) await setImmediate();
      process.off("unhandledRejection", stray);
    }
  }

  private async newResource({ type, name, inputs, custom, id }: pulumi.runtime.MockResourceArgs) {
    if (!custom) return { id: undefined, state: inputs };
    try {
      if (id)
        throw new Error(
          "reading or importing what exists is not possible on the local stack, which is empty",
        );
      return await this.create(type, name, inputs);
    } catch (error) {
      this.fail(
        new DeployError(`${name} (${type}) could not be made: ${errorText(error)}`, { cause: error }),
      );
      return new Promise<never>(() => undefined);
    }
  }

  private async create(type: string, name: string, marked: Properties) {
    const handler = this.table[type];
    if (!handler) {
      throw new Error(
        "the local stack does not know this type; give it a handler in local/deploy/handlers.ts",
      );
    }
    this.declared += 1;
    this.report(name);
    const inputs = this.secrets.open(marked) as Properties;
    this.unhonoured.push(...findUnhonoured(type, name, inputs, handler));
    const { id, outputs } = await handler.create(inputs, {
      ...this.context,
      physicalName: namer(name, handler),
    });
    this.made.push({ type, name, handler, deployed: { id, outputs, inputs } });
    this.report(name);
    return { id, state: this.secrets.close({ ...inputs, ...outputs }, marked) };
  }

  private report(resource: string): void {
    this.options.onProgress?.({ created: this.made.length, declared: this.declared, resource });
  }

  private async call({ token, inputs }: pulumi.runtime.MockCallArgs): Promise<Record<string, unknown>> {
    try {
      return answerCall(token, this.secrets.open(inputs) as Properties, this.context);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return new Promise<never>(() => undefined);
    }
  }

  private mailSubscriptions() {
    return this.made
      .filter(
        ({ deployed }) =>
          deployed.inputs.protocol === "email" && deployed.outputs.pendingConfirmation === true,
      )
      .map(({ deployed: { inputs } }) => ({
        address: String(inputs.endpoint),
        topicArn: String(inputs.topic),
      }));
  }

  private async destroy(): Promise<void> {
    const kept = this.resources.filter(({ resource }) => resource.__protect === true);
    if (kept.length > 0) {
      const names = kept.map(({ type, name }) => `${name} (${type})`).join(", ");
      throw new DeployError(`Nothing was removed, as on AWS: these are protected: ${names}`);
    }
    for (const { type, name, handler, deployed } of this.made.splice(0).reverse()) {
      try {
        await handler.remove?.(deployed, this.context);
      } catch (error) {
        throw new DeployError(
          this.secrets.blot(`${name} (${type}) could not be removed: ${errorText(error)}`),
        );
      }
    }
  }
}

function namer(logicalName: string, { naming = DEFAULT_NAMING }: Handler): DeployContext["physicalName"] {
  return (given, prefix) =>
    given ?? (prefix === undefined ? automaticName(logicalName, naming) : prefixedName(prefix, naming));
}
