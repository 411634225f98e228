/** A part of the set-up failed; the message has the last lines of its output, the log's path and what to do. */
export class SetupError extends Error {
  exitCode: number;
}

export interface SetupPart {
  title: string;
  locks: string[];
  stamp: string;
}

export function setupParts(root: string, env: NodeJS.ProcessEnv): Record<string, SetupPart>;

/** The names of the parts that are not installed, or not from the lock file as it is now. */
/** Of an installer's output, the lines that say what went wrong. */
export function excerpt(output: string): string[];

export function stale(parts: Record<string, SetupPart>, needs: string[]): string[];

/** Brings the needed parts up to date; answers the environment variables that what follows should have. */
export function setUp(context: {
  root: string;
  needs: string[];
  env: NodeJS.ProcessEnv;
  output: { write(text: string): unknown; isTTY?: boolean };
}): Promise<Record<string, string>>;
