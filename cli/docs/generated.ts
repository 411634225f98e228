// The files that are generated from code (docs, the event's types, the keys in Pulumi.yaml); `npm run docs` writes them.
import { architectureDocument } from "./architecture";
import { configurationDocument, readmeDocument } from "./configuration";
import { costDocument } from "./cost";
import { decisionsDocument } from "./decisions";
import { deploymentDocument } from "./deployment";
import { eventTypes } from "./event-types";
import { eventsDocument } from "./events";
import { pulumiProject } from "./pulumi-project";
import { scaleDocument } from "./scale";
import { sizesDocument } from "./sizes";
import { trackerDocument } from "./tracker";
import { waysDocument } from "./ways";

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
  { path: "docs/events.md", text: eventsDocument },
  { path: "docs/architecture.md", text: architectureDocument },
  { path: "docs/cost.md", text: costDocument },
  { path: "docs/sizes.md", text: sizesDocument },
  { path: "docs/scale.md", text: scaleDocument },
  { path: "docs/decisions/README.md", text: decisionsDocument },
  { path: "docs/deployment.md", text: deploymentDocument },
  { path: "docs/tracker.md", text: trackerDocument },
  { path: "docs/ways.md", text: waysDocument },
];
