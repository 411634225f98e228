// A stack's configuration as the engine would hand it to the program, checked as the program does, and what it declares.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InvalidConfiguration, readConfig } from "../infra/config/config";
import { readConfiguration } from "./configuration-files";
import { type Declared, declaredResources } from "./declared";
import { PROJECT_ROOT } from "./runs";

/** Long enough for any key: what a secret says does not cost. */
const SECRET_STAND_IN = "a secret that only Pulumi can read";

/** No such stack; the message says which there are. */
export class NoSuchStack extends Error {}

export interface StackConfiguration {
  stack: string;
  project: string;
  values: Record<string, string>;
}

/** `settings` maps keys without the project's name to values, over those of the stack's file. */
export function stackConfiguration(
  stack: string,
  settings: Record<string, string | undefined> = {},
  root = PROJECT_ROOT,
): StackConfiguration {
  if (!existsSync(join(root, `Pulumi.${stack}.yaml`))) {
    const there = readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
    throw new NoSuchStack(
      `There is no configuration of a stack ${stack} (Pulumi.${stack}.yaml). There are: ${there.join(", ") || "none"}.`,
    );
  }
  return { stack, ...readConfiguration(root, stack, settings, SECRET_STAND_IN) };
}

const declared = new Map<string, Promise<readonly Declared[]>>();

/** Evaluated once for each configuration. Rejects with InvalidConfiguration, which has all problems. */
export async function declaredBy(configuration: StackConfiguration): Promise<readonly Declared[]> {
  const { project, stack, values } = configuration;
  const key = JSON.stringify([project, stack, Object.entries(values).sort()]);
  readConfig(project, values);
  const found = declared.get(key) ?? declaredResources(project, stack, values);
  declared.set(key, found);
  return found;
}

export { InvalidConfiguration };
