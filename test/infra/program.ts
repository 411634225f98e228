// Evaluates the program under Pulumi's mocks, as an engine would that accepts everything: for tests of what it declares.

import * as pulumi from "@pulumi/pulumi";
import { type Declared, freshProgram, withoutStackTraces } from "../../stack/declared";

export type { Declared };

interface Made {
  type: string;
  name: string;
  resource: pulumi.Resource;
  inputs: Record<string, unknown>;
}

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
export interface Place {
  partition: string;
  region: string;
  dnsSuffix: string;
}

const EUROPE: Place = { partition: "aws", region: "eu-west-1", dnsSuffix: "amazonaws.com" };

function calls({ partition, region, dnsSuffix }: Place): Record<string, Record<string, string>> {
  return {
    "aws:index/getCallerIdentity:getCallerIdentity": { accountId: "123456789012" },
    "aws:index/getRegion:getRegion": { region },
    "aws:index/getPartition:getPartition": { partition, dnsSuffix },
  };
}

export async function evaluate(
  config: Record<string, string> = {},
  stack = "test",
  project = "clickstream",
  place = EUROPE,
): Promise<Program> {
  const resources: Declared[] = [];
  const made: Made[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        if (!custom) return { id: undefined, state: inputs };
        resources.push({ type, name, inputs });
        const arn =
          type === "aws:s3/bucket:Bucket"
            ? `arn:${place.partition}:s3:::${name}-id`
            : `arn:${type.replace(/^aws:/, `${place.partition}:`)}:${name}`;
        return {
          id: `${name}-id`,
          state: {
            name: `${name}-id`,
            bucket: `${name}-id`,
            uuid: `${name}-uuid`,
            keyId: `${name}-key-id`,
            arn,
            ...inputs,
          },
        };
      },
      call: ({ token }) => calls(place)[token] ?? {},
    },
    project,
    stack,
    false,
  );
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`${project}:${key}`, value])),
  );
  const outputs =
    (await withoutStackTraces(async () => {
      const declared = await pulumi.runtime.runInPulumiStack(async () => {
        pulumi.runtime.registerStackTransformation(({ type, name, resource, props }) => {
          made.push({ type, name, resource, inputs: props });
          return undefined;
        });
        return freshProgram();
      });
      await pulumi.runtime.disconnect();
      return declared;
    })) ?? {};
  const dependenciesOf = await dependenciesIn(made);
  return {
    resources,
    outputs: await resolve(outputs),
    urns: Object.values(await resolve(made.map(({ resource }) => resource.urn)))
      .map(String)
      .sort(),
    dependencies: (wanted, input) =>
      new Map(
        made
          .filter(({ type }) => type === wanted)
          .map(({ name, inputs }) => [name, dependenciesOf.get(inputs[input]) ?? []]),
      ),
    protectedOf: (wanted) =>
      made.filter(({ type, resource }) => type === wanted && isProtected(resource)).map(({ name }) => name),
    of: (type) => resources.filter((resource) => resource.type === type),
    named: (type, name) => {
      const found = resources.find((resource) => resource.type === type && resource.name === name);
      if (!found) throw new Error(`${name} (${type}) was not declared`);
      return found.inputs;
    },
  };
}

/** Only after the whole program has run: outputs resolve when all that they come from is declared. */
function resolve(outputs: unknown): Promise<Record<string, unknown>> {
  const all: pulumi.Output<unknown> = pulumi.output(outputs as pulumi.Input<unknown>);
  return new Promise((done) => {
    all.apply((values) => done({ ...(values as Record<string, unknown>) }));
  });
}

/** By input, what it is made of: the SDK knows once all outputs are there. Only lists of outputs are looked at. */
async function dependenciesIn(made: Made[]): Promise<Map<unknown, string[]>> {
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

/** Mocks are not told of the option: the SDK keeps it with the resource. */
function isProtected(resource: pulumi.Resource): boolean {
  return (resource as unknown as { __protect?: boolean }).__protect === true;
}
