// The few names that cannot be left to Pulumi's auto-naming, each with project and stack in it so that stacks do not collide.

import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** `<project>-<stack>`, e.g. `clickstream-dev`. */
export function qualifiedName(project = pulumi.getProject(), stack = pulumi.getStack()): string {
  return `${project}-${stack}`;
}

/** A name that Athena takes without quotes: lower case, digits and underscores, starting with a letter. */
export function databaseName(qualified = qualifiedName()): string {
  const plain = qualified.replaceAll("-", "_");
  const safe = plain
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_")
    .replace(/^(?![a-z])/, "db_");
  // "a.b" and "a-b" are different stacks: what had to be changed further is told apart by its hash.
  return safe === plain && !qualified.includes("_")
    ? safe
    : `${safe}_${createHash("sha256").update(qualified).digest("hex").slice(0, 6)}`;
}
