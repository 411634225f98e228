// What deploys the stack that is looked at: the pulumi CLI on AWS, or the local stack.

import type { Mail } from "../../local/mailbox";
import type { StackOutputs } from "../../stack/outputs";
import type { TargetConfig } from "../../stack/target";
import type { Settings } from "./settings";

export interface Deployer {
  readonly target: "aws" | "local";
  readonly project: string;
  readonly stack: string;
  readonly region: string;
  /** For AWS SDK clients. Only known after the first `up` on the local stack. */
  readonly config: TargetConfig;
  /** Makes the stack be as these settings say, over those of earlier calls; undefined takes a key out. */
  up(settings: Settings): Promise<StackOutputs>;
  /** Another `up` with the same settings: what it changed, in the engine's own words; undefined where nothing. */
  upAgain(): Promise<string | undefined>;
  /** Removes the resources and the stack itself. */
  destroy(): Promise<void>;
  /** What exists and is this stack's: a line each, for a person who was interrupted. */
  standing(): Promise<string[]>;
  /** Everything that the engine has said so far. */
  said(): string;
  /** Where mails can be read. */
  mails?: () => Promise<Mail[]>;
  close(): Promise<void>;
}

/** The deployment went wrong; the message has the engine's own words. */
export class DeployerError extends Error {}
