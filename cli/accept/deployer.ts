// Deploys the stack under test: with the pulumi CLI to AWS, or to the local stack.

import type { Mail } from "../../local/mailbox";
import type { StackOutputs } from "../../stack/outputs";
import type { TargetConfig } from "../../stack/target";
import type { Settings } from "./settings";

export interface Deployer {
  readonly target: "aws" | "local";
  readonly project: string;
  readonly stack: string;
  readonly region: string;
  /** For AWS SDK clients. The local stack has it after the first `up` only. */
  readonly config: TargetConfig;
  /** Deploys with these settings on top of those of earlier calls. Undefined removes a key. */
  up(settings: Settings): Promise<StackOutputs>;
  /** Deploys again with the same settings. Returns the engine's list of changes; undefined if there are none. */
  upAgain(): Promise<string | undefined>;
  /** Removes the resources and the stack itself. */
  destroy(): Promise<void>;
  /** The existing resources of the stack, one line each, for a person who interrupted the run. */
  existing(): Promise<string[]>;
  /** All output of the engine so far. */
  log(): string;
  /** Where mails can be read. */
  mails?: () => Promise<Mail[]>;
  close(): Promise<void>;
}

/** The deployment failed. The message has the engine's output. */
export class DeployerError extends Error {}
