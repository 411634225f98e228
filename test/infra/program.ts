// What the program declares, in the form that tests ask for it: by type, by name, with URNs and dependencies.

import * as pulumi from "@pulumi/pulumi";
import { type Declared, declareProgram } from "../../stack/declared";
import type { Registered } from "../../stack/evaluate";
import type { Place } from "../../stack/provider-functions";

export type { Declared };

export interface Program {
  resources: Declared[];
  outputs: Record<string, unknown>;
  /** Of every resource and component, as the engine would know it. */
  urns: string[];
  /** Names of the resources that Pulumi refuses to delete, by type. */
  protectedOf(type: string): string[];
  of(type: string): Declared[];
  named(type: string, name: string): Declared["inputs"];
  /** Of each resource of the type, by its name, the resources that an input is made of, as "TYPE NAME". */
  dependencies(type: string, input: string): Map<string, string[]>;
}

/** What differs between AWS's partitions. */
export type Region = Pick<Place, "partition" | "region" | "dnsSuffix">;

const EUROPE: Region = { partition: "aws", region: "eu-west-1", dnsSuffix: "amazonaws.com" };

export async function evaluate(
  config: Record<string, string> = {},
  stack = "test",
  project = "clickstream",
  place = EUROPE,
): Promise<Program> {
  const values = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]),
  );
  const { resources, outputs, registered } = await declareProgram(project, stack, values, place);
  const dependenciesOf = await dependenciesIn(registered);
  return {
    resources,
    outputs,
    urns: await urnsOf(registered),
    dependencies: (wanted, input) =>
      new Map(
        registered
          .filter(({ type }) => type === wanted)
          .map(({ name, inputs }) => [name, dependenciesOf.get(inputs[input]) ?? []]),
      ),
    protectedOf: (wanted) =>
      registered
        .filter(({ type, resource }) => type === wanted && resource.__protect === true)
        .map(({ name }) => name),
    of: (type) => resources.filter((resource) => resource.type === type),
    named: (type, name) => {
      const found = resources.find((resource) => resource.type === type && resource.name === name);
      if (!found) throw new Error(`${name} (${type}) was not declared`);
      return found.inputs;
    },
  };
}

/** Only after the whole program has run: a URN resolves when its resource is registered. */
async function urnsOf(registered: readonly Registered[]): Promise<string[]> {
  const urns: pulumi.Output<string[]> = pulumi.output(registered.map(({ resource }) => resource.urn));
  return new Promise((done) => {
    urns.apply((all) => done([...all].sort()));
  });
}

/** By input, what it is made of: the SDK knows once all outputs are there. Only lists of outputs are looked at. */
async function dependenciesIn(made: readonly Registered[]): Promise<Map<unknown, string[]>> {
  const names = new Map(
    made.map(({ type, name, resource }) => [resource, `${type.split(":").at(-1)} ${name}`]),
  );
  const found = new Map<unknown, string[]>();
  for (const { inputs } of made) {
    for (const value of Object.values(inputs)) {
      if (!Array.isArray(value) || !value.some((one) => pulumi.Output.isInstance(one))) continue;
      const resources = await (pulumi.output(value) as unknown as Reached).allResources();
      found.set(value, [...resources].flatMap((resource) => names.get(resource) ?? []).sort());
    }
  }
  return found;
}

/** What the SDK itself asks an output for when it tells the engine of dependencies. */
interface Reached {
  allResources(): Promise<Set<pulumi.Resource>>;
}
