// Tags for every resource of the stack that AWS can tag, set in one place.

import * as pulumi from "@pulumi/pulumi";

/** The tags that the program sets itself, and that a team's own cannot replace. */
export const OWN_TAGS = ["Project", "Stack", "ManagedBy"];

/**
 * Tags every resource that is created after this call. If a type has tags, the provider's class passes `tags` on, set or
 * not. So no list of types is needed, and none can be forgotten.
 */
export function tagEverything(team: Record<string, string>): void {
  const tags = { ...team, Project: pulumi.getProject(), Stack: pulumi.getStack(), ManagedBy: "Pulumi" };
  pulumi.runtime.registerStackTransformation(({ props, opts }) =>
    "tags" in props ? { props: { ...props, tags: { ...props.tags, ...tags } }, opts } : undefined,
  );
}
