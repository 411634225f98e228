// A row of the table "To be seen once on AWS": its texts, and who checks it.

import type { Verdict } from "./verdict";
import type { World } from "./world";

interface Told {
  id: string;
  what: string;
  /** The command that a person runs to see it. */
  command: string;
  /** The command is a sentence, not a line to paste. */
  inWords?: true;
  /** What one should see. */
  see: string;
  /** What to do if not. */
  ifNot: string;
}

interface Checked {
  /** The step after which it is checked. */
  after: string;
  /** The steps that must have been done for it; by default the one above. */
  needs?: readonly string[];
  check(world: World): Promise<Verdict>;
  /** Why the local stack cannot show it. */
  notLocal?: string;
}

interface ByPerson {
  /** Why no program can see it within the run. */
  byPerson: string;
}

export type Row = Told & (Checked | ByPerson);

/** For Markdown: code where it can be pasted. */
export function commandOf({ command, inWords }: Pick<Row, "command" | "inWords">): string {
  return inWords ? command : `\`${command}\``;
}

/** Starts an execution; an input may follow. */
export const EXECUTION =
  'aws stepfunctions start-execution --state-machine-arn "$(pulumi stack output stateMachineArn)"';
