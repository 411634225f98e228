// Opens a stack's configuration, checks it as the program does, and evaluates what the program declares with it.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InvalidConfiguration, readConfig } from "../infra/config/config";
import { readConfiguration } from "./configuration-files";
import { type Declared, declaredResources } from "./declared";
import { PROJECT_ROOT } from "./runs";

/** Long enough for every key. The value of a secret does not change the cost. */
const SECRET_STAND_IN = "a secret that only Pulumi can read";

/** There is no such stack. The message lists the existing ones. */
export class NoSuchStack extends Error {}

export interface StackConfiguration {
  stack: string;
  project: string;
  values: Record<string, string>;
}

/** `settings` (keys without the project's name) override the stack's file. */
export function stackConfiguration(
  stack: string,
  settings: Record<string, string | undefined> = {},
  root = PROJECT_ROOT,
): StackConfiguration {
  if (!existsSync(join(root, `Pulumi.${stack}.yaml`))) {
    const there = readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
    throw new NoSuchStack(
      `The stack ${stack} has no configuration (Pulumi.${stack}.yaml is missing). Stacks with one: ${there.join(", ") || "none"}.`,
    );
  }
  return { stack, ...readConfiguration(root, stack, settings, SECRET_STAND_IN) };
}

const declared = new Map<string, Promise<readonly Declared[]>>();

/** Evaluates each configuration once. Rejects with InvalidConfiguration, which lists all problems. */
export async function declaredBy(configuration: StackConfiguration): Promise<readonly Declared[]> {
  const { project, stack, values } = configuration;
  const key = JSON.stringify([project, stack, Object.entries(values).sort()]);
  readConfig(project, values);
  const found = declared.get(key) ?? declaredResources(project, stack, values);
  declared.set(key, found);
  return found;
}

export { InvalidConfiguration };
