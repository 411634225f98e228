// Evaluates the program under Pulumi's mocks, as an engine would that accepts everything: for tests of what it declares.

import * as pulumi from "@pulumi/pulumi";
import { type Declared, freshProgram, withoutStackTraces } from "../../local/declared";

export type { Declared };

interface Made {
  type: string;
  name: string;
  resource: pulumi.Resource;
}

export interface Program {
  resources: Declared[];
  outputs: Record<string, unknown>;
  /** Names of the resources that Pulumi refuses to delete, by type. */
  protectedOf(type: string): string[];
  of(type: string): Declared[];
  named(type: string, name: string): Declared["inputs"];
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
        pulumi.runtime.registerStackTransformation(({ type, name, resource }) => {
          made.push({ type, name, resource });
          return undefined;
        });
        return freshProgram();
      });
      await pulumi.runtime.disconnect();
      return declared;
    })) ?? {};
  return {
    resources,
    outputs: await resolve(outputs),
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

/** Mocks are not told of the option: the SDK keeps it with the resource. */
function isProtected(resource: pulumi.Resource): boolean {
  return (resource as unknown as { __protect?: boolean }).__protect === true;
}
