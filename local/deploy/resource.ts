// What a handler of the local deployment is: how one Pulumi resource type becomes a resource of the emulator.
import type { Input, Unwrap } from "@pulumi/pulumi";
import type { Clients } from "./clients";

/** Resolved inputs of a resource, or what the provider gave back for it. */
export type Properties = Record<string, unknown>;

export interface DeployContext {
  readonly clients: Clients;
  readonly region: string;
  readonly accountId: string;
  /** The project's folder: paths of assets are relative to it. */
  readonly root: string;
  /** The name as given, or made as the AWS provider makes it. */
  physicalName(given: string | undefined, prefix?: string): string;
}

interface Created {
  id: string;
  outputs: Properties;
}

/** A created resource with all that is needed to delete it again. */
export interface Deployed<Inputs> extends Created {
  inputs: Inputs;
}

export interface Handler<Inputs = Properties> {
  /** The inputs that the local stack honours: paths such as "code" or "configuration.resultConfiguration". */
  readonly honours: readonly string[];
  /** Inputs that are taken but change nothing here, each with the reason. All others are reported as not honoured. */
  readonly ineffective?: Readonly<Record<string, string>>;
  /** The longest automatic name that the provider allows; automatic names are lower-case where `lowerCase`. */
  readonly naming?: { maximumLength: number; lowerCase?: boolean };
  create(inputs: Inputs, context: DeployContext): Promise<Created>;
  /** Left out where the resource goes with another one. */
  remove?(deployed: Deployed<Inputs>, context: DeployContext): Promise<void>;
}

/** The resolved form of the provider's own argument types, so that a misspelt input fails the compiler. */
export type InputsOf<Args> = {
  [Key in keyof Args]: Unwrap<Args[Key] extends Input<infer Value> ? Value : Args[Key]>;
};

/** Declares a handler with the types of its inputs; the table of handlers holds them all as one type. */
export function handler<Args>(definition: Handler<InputsOf<Args>>): Handler {
  return definition as unknown as Handler;
}

export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is no JSON: ${error instanceof Error ? error.message : error}`);
  }
}
