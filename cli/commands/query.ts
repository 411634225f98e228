// npm run query -- "SQL": runs one statement in Athena and prints a table or JSON.

import { QueryFailed, runQuery } from "../../stack/athena";
import { NoStackUp } from "../../stack/runs";
import { type CliTarget, openTarget, remedy, TargetError } from "../../stack/target";
import type { QueryOptions } from "../arguments/types";
import { Console } from "../view/console";

export async function main(options: QueryOptions): Promise<number> {
  let target: CliTarget | undefined;
  try {
    target = openTarget(options);
    const { athena, outputs } = target;
    const { database, workgroup } = outputs;
    const result = await runQuery({ athena, database, workgroup }, options.sql);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else new Console(process.stdout).table(result.columns, result.rows);
    return 0;
  } catch (error) {
    const words = error instanceof QueryFailed ? `Athena: ${error.message}` : explainError(error, target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ sql: options.sql, error: words })}\n`);
    return 1;
  }
}

/** Undefined for a defect of this program. */
export function explainError(error: unknown, target: CliTarget | undefined): string | undefined {
  if (error instanceof NoStackUp || error instanceof TargetError) return error.message;
  return remedy(error, target);
}
