// The documents that are written by the program: which files, and what stands in each; `npm run docs` writes them.
import { architectureDocument } from "./architecture";
import { configurationDocument, readmeDocument } from "./configuration";
import { costDocument } from "./cost";
import { deploymentDocument } from "./deployment";
import { eventTypes } from "./event-types";

export interface Generated {
  /** From the project's root. */
  path: string;
  text(current: string): Promise<string> | string;
}

export const GENERATED: readonly Generated[] = [
  { path: "schema/event.ts", text: eventTypes },
  { path: "README.md", text: readmeDocument },
  { path: "docs/configuration.md", text: configurationDocument },
  { path: "docs/architecture.md", text: architectureDocument },
  { path: "docs/cost.md", text: costDocument },
  { path: "docs/deployment.md", text: deploymentDocument },
];
