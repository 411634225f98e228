// The few names that cannot be left to Pulumi's auto-naming, each with project and stack in it so that stacks do not collide.

import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** The longest name of a budget that AWS takes. */
const BUDGET_NAME_LENGTH = 100;

/**
 * `<project>-<stack>`, e.g. `clickstream-dev`: the beginning of names, log groups and role paths. Pulumi allows a dot in
 * both. A dashboard, a key's alias and the prefix of Glue's log groups do not, so every name has a dash instead.
 */
export function qualifiedName(project = pulumi.getProject(), stack = pulumi.getStack()): string {
  const plain = `${project}-${stack}`;
  const safe = plain.replace(/[^A-Za-z0-9_-]/g, "-");
  return safe === plain ? safe : `${safe}-${hashOf(plain)}`;
}

/** The stack's name, shortened for a budget. Long names with the same beginning stay different. */
export function budgetName(project = pulumi.getProject(), stack = pulumi.getStack()): string {
  const name = qualifiedName(project, stack);
  if (name.length <= BUDGET_NAME_LENGTH) return name;
  const hash = hashOf(`${project}-${stack}`);
  return `${name.slice(0, BUDGET_NAME_LENGTH - hash.length - 1)}-${hash}`;
}

/** A name that Athena takes without quotes: lower case, digits and underscores, starting with a letter. */
export function databaseName(project = pulumi.getProject(), stack = pulumi.getStack()): string {
  const qualified = `${project}-${stack}`;
  const plain = qualified.replaceAll("-", "_");
  const safe = plain
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_")
    .replace(/^(?![a-z])/, "db_");
  return safe === plain && !qualified.includes("_") ? safe : `${safe}_${hashOf(qualified)}`;
}

/** "a.b" and "a-b" are different stacks: a name that had to be changed ends in a hash. */
function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 6);
}
