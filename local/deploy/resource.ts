// Defines a handler: how the local deployment creates a Pulumi resource type in the emulator.
import type { Input, Unwrap } from "@pulumi/pulumi";
import type { Clients } from "./clients";

/** Resolved inputs or outputs of a resource. */
export type Properties = Record<string, unknown>;

export interface DeployContext {
  readonly clients: Clients;
  readonly region: string;
  readonly accountId: string;
  /** The project's folder. Paths of assets are relative to it. */
  readonly root: string;
  /** The given name, or an automatic one like the AWS provider's. */
  physicalName(given: string | undefined, prefix?: string): string;
}

interface Created {
  id: string;
  outputs: Properties;
}

/** A created resource with what is needed to delete it. */
export interface Deployed<Inputs> extends Created {
  inputs: Inputs;
}

export interface Handler<Inputs = Properties> {
  /** The inputs that have an effect: paths such as "code" or "configuration.resultConfiguration". */
  readonly honours: readonly string[];
  /** Inputs without effect on the local stack, each with the reason. All other inputs are reported as unknown. */
  readonly ineffective?: Readonly<Record<string, string>>;
  /** Limits of the provider's automatic names. */
  readonly naming?: { maximumLength: number; lowerCase?: boolean };
  create(inputs: Inputs, context: DeployContext): Promise<Created>;
  /** Left out if the resource is deleted with another one. */
  remove?(deployed: Deployed<Inputs>, context: DeployContext): Promise<void>;
}

/** The provider's argument types in resolved form, so that a misspelt input does not compile. */
export type InputsOf<Args> = {
  [Key in keyof Args]: Unwrap<Args[Key] extends Input<infer Value> ? Value : Args[Key]>;
};

/** Declares a handler with its input types. The table of handlers has them all as one type. */
export function handler<Args>(definition: Handler<InputsOf<Args>>): Handler {
  return definition as unknown as Handler;
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
}
