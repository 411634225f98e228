// The files that `npm run docs` writes, and what each has: the documents, the event's types and the keys in Pulumi.yaml.
import { architectureDocument } from "./architecture";
import { configurationDocument, readmeDocument } from "./configuration";
import { costDocument } from "./cost";
import { deploymentDocument } from "./deployment";
import { eventTypes } from "./event-types";
import { pulumiProject } from "./pulumi-project";

export interface Generated {
  /** From the project's root. */
  path: string;
  text(current: string): Promise<string> | string;
}

export const GENERATED: readonly Generated[] = [
  { path: "schema/event.ts", text: eventTypes },
  { path: "Pulumi.yaml", text: pulumiProject },
  { path: "README.md", text: readmeDocument },
  { path: "docs/configuration.md", text: configurationDocument },
  { path: "docs/architecture.md", text: architectureDocument },
  { path: "docs/cost.md", text: costDocument },
  { path: "docs/deployment.md", text: deploymentDocument },
];
