// The queries that are saved in the Athena workgroup: one file for each in infra/catalog/queries, with the query's name.

import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

export interface SavedQuery {
  name: string;
  description: string;
  sql: string;
}

const FOLDER = path.join(__dirname, "queries");

/** The first line of a file is a comment with the query's description. */
export function savedQueries(): SavedQuery[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => {
      const sql = readFileSync(path.join(FOLDER, file), "utf8").trim();
      const [first = ""] = sql.split("\n");
      if (!first.startsWith("-- ")) {
        throw new Error(
          `infra/catalog/queries/${file} must begin with a line "-- what the query answers", got: ${first}`,
        );
      }
      return { name: path.basename(file, ".sql"), description: first.slice(3), sql };
    });
}
