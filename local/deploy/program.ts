// Deploys the Pulumi program to the emulator: evaluates index.ts, and creates each declared resource with the handler of
// its type.
import type * as pulumi from "@pulumi/pulumi";
import { type ClientConfig, LOCAL_ACCOUNT, LOCAL_REGION } from "../../stack/aws";
import { errorText } from "../../stack/aws-errors";
import { evaluateProgram, freshProgram, type Registered } from "../../stack/evaluate";
import { answerCall } from "../../stack/provider-functions";
import { makeClients } from "./clients";
import { handlers } from "./handlers";
import { findIgnoredInputs, type IgnoredInput } from "./ignored-inputs";
import { localConfiguration, STACK } from "./local-configuration";
import { automaticName, prefixedName } from "./naming";
import type { DeployContext, Deployed, Handler, Properties } from "./resource";
import { Secrets } from "./secrets";

const PLACE = {
  accountId: LOCAL_ACCOUNT,
  partition: "aws",
  region: LOCAL_REGION,
  dnsSuffix: "amazonaws.com",
} as const;
const DEFAULT_NAMING = { maximumLength: 255 };

export interface DeployOptions {
  root: string;
  clientConfig: ClientConfig;
  /** Overrides of Pulumi.dev.yaml, or of the example stack of the way that they name. Keys with or without the project's namespace. */
  config?: Record<string, unknown>;
  /** Called when a resource is declared and when it is created. */
  onProgress?: (progress: { created: number; declared: number; resource: string }) => void;
  /** The program to evaluate; by default the project's own. */
  program?: () => unknown;
  /** Replaces the table of handlers in tests. */
  table?: Readonly<Record<string, Handler>>;
}

export interface Deployment {
  outputs: Record<string, unknown>;
  resources: number;
  /** Mail subscriptions that wait for their confirmation. */
  mailSubscriptions: { address: string; topicArn: string }[];
  ignoredInputs: IgnoredInput[];
  /** Removes everything, in reverse order. */
  destroy(): Promise<void>;
}

/** The deployment failed. The message names the resource and the cause. */
export class DeployError extends Error {
  override name = "DeployError";
}

export function deploy(options: DeployOptions): Promise<Deployment> {
  return new Deployer(options).run();
}

interface Made {
  type: string;
  name: string;
  handler: Handler;
  deployed: Deployed<Properties>;
}

class Deployer {
  private readonly secrets = new Secrets();
  private readonly context: DeployContext;
  private readonly table: Readonly<Record<string, Handler>>;
  private readonly made: Made[] = [];
  private readonly ignoredInputs: IgnoredInput[] = [];
  private registered: Registered[] = [];
  private declared = 0;

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
    const { project, values } = localConfiguration(this.options.root, {
      "aws:region": LOCAL_REGION,
      ...this.options.config,
    });
    const outputs = await this.evaluate(project, values);
    return {
      outputs,
      resources: this.made.length,
      mailSubscriptions: this.mailSubscriptions(),
      // Resources are created side by side, in no fixed order.
      ignoredInputs: this.ignoredInputs.sort((a, b) => (a.resource < b.resource ? -1 : 1)),
      destroy: () => this.destroy(),
    };
  }

  private async evaluate(project: string, values: Record<string, string>): Promise<Record<string, unknown>> {
    const program = this.options.program ?? (() => freshProgram(this.options.root));
    try {
      const { outputs, registered } = await evaluateProgram(
        { project, stack: STACK, organization: "local", values, program },
        {
          create: (resource) => this.newResource(resource),
          call: ({ token }) => answerCall(token, PLACE),
        },
      );
      this.registered = registered;
      return outputs;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new DeployError(this.secrets.redact(message), { cause: error });
    }
  }

  private async newResource({ type, name, inputs, id }: pulumi.runtime.MockResourceArgs) {
    try {
      if (id) throw new Error("the local stack is empty: it cannot read or import existing resources");
      return await this.create(type, name, inputs);
    } catch (error) {
      throw new DeployError(`${name} (${type}) could not be created: ${errorText(error)}`, { cause: error });
    }
  }

  private async create(type: string, name: string, marked: Properties) {
    const handler = this.table[type];
    if (!handler) {
      throw new Error(
        "the local stack does not support this type; add a handler to local/deploy/handlers.ts",
      );
    }
    this.declared += 1;
    this.report(name);
    const inputs = this.secrets.open(marked) as Properties;
    this.ignoredInputs.push(...findIgnoredInputs(type, name, inputs, handler));
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
    const kept = this.registered.filter(({ resource }) => resource.__protect === true);
    if (kept.length > 0) {
      const names = kept.map(({ type, name }) => `${name} (${type})`).join(", ");
      throw new DeployError(`Nothing was removed. These resources are protected, as on AWS: ${names}`);
    }
    for (const { type, name, handler, deployed } of this.made.splice(0).reverse()) {
      try {
        await handler.remove?.(deployed, this.context);
      } catch (error) {
        throw new DeployError(
          this.secrets.redact(`${name} (${type}) could not be removed: ${errorText(error)}`),
        );
      }
    }
  }
}

function namer(logicalName: string, { naming = DEFAULT_NAMING }: Handler): DeployContext["physicalName"] {
  return (given, prefix) =>
    given ?? (prefix === undefined ? automaticName(logicalName, naming) : prefixedName(prefix, naming));
}
