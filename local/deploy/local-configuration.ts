// The configuration of a local stack: the example stack of its way, then the overrides.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ProjectConfiguration, projectName, readConfiguration } from "../../stack/configuration-files";

/** What the local stack is called, and the example stack whose values it has if no way is given. */
export const STACK = "dev";

export function localConfiguration(
  root: string,
  overrides: Record<string, unknown>,
  standIn?: string,
): ProjectConfiguration {
  return readConfiguration(root, exampleOf(root, overrides), overrides, standIn);
}

/** A way without an example stack is no way: the check of its value says so. */
function exampleOf(root: string, overrides: Record<string, unknown>): string {
  const way = overrides.way ?? overrides[`${projectName(root)}:way`];
  return typeof way === "string" && existsSync(join(root, `Pulumi.${way}.yaml`)) ? way : STACK;
}
