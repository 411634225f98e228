// Tags: what every resource of the stack that AWS can tag carries, said once for all of them.

import * as pulumi from "@pulumi/pulumi";

/** The tags that the program sets itself, and that a team's own cannot replace. */
export const OWN_TAGS = ["Project", "Stack", "ManagedBy"];

/**
 * Tags every resource that is made from now on. The provider's classes hand over `tags`, set or not, where the type
 * has them; so no list of types is needed, and none can be forgotten.
 */
export function tagEverything(team: Record<string, string>): void {
  const tags = { ...team, Project: pulumi.getProject(), Stack: pulumi.getStack(), ManagedBy: "Pulumi" };
  pulumi.runtime.registerStackTransformation(({ props, opts }) =>
    "tags" in props ? { props: { ...props, tags: { ...props.tags, ...tags } }, opts } : undefined,
  );
}
