// A row of the table "To be seen once on AWS": its texts, and the check that looks at it.

import type { Verdict } from "./verdict";
import type { World } from "./world";

interface RowTexts {
  id: string;
  what: string;
  /** What a person types to check it. */
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
  /** The steps that it needs; by default the one above. */
  needs?: readonly string[];
  check(world: World): Promise<Verdict>;
  /** Why the local stack cannot show it. */
  notLocal?: string;
}

interface ByPerson {
  /** Why a program cannot check it during the run. */
  byPerson: string;
}

export type Row = RowTexts & (Checked | ByPerson);

/** For Markdown: code where it can be pasted. */
export function commandOf({ command, inWords }: Pick<Row, "command" | "inWords">): string {
  return inWords ? command : `\`${command}\``;
}

/** Starts an execution; an input may follow. */
export const EXECUTION =
  'aws stepfunctions start-execution --state-machine-arn "$(pulumi stack output stateMachineArn)"';
