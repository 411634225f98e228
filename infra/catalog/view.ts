// A view as Athena stores it in Glue: the statement and its columns in JSON, encoded in the text of the view.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import type * as aws from "@pulumi/aws";
import type { Column } from "../../schema/contract";

const FOLDER = path.join(__dirname, "views");

/** The statement in views/, with its placeholders filled in. Columns are named, as a view is stale if the tables get more. */
export function viewSql(name: string, columns: readonly Column[], tables: Record<string, string>): string {
  const values: Record<string, string> = {
    ...tables,
    columns: columns.map((column) => column.name).join(", "),
  };
  return readFileSync(path.join(FOLDER, `${name}.sql`), "utf8")
    .trim()
    .replace(/\$\{(\w+)\}/g, (_, placeholder: string) => {
      const value = values[placeholder];
      if (value === undefined)
        throw new Error(`infra/catalog/views/${name}.sql: ${placeholder} has no value.`);
      return value;
    });
}

/**
 * What `CREATE VIEW` makes of the statement. The engine checks that the columns are those of the statement. There is no
 * description: the engine would take it for the comment by which it knows a view.
 */
export function viewTable(
  sql: string,
  columns: readonly Column[],
  databaseName: string,
): Omit<aws.glue.CatalogTableArgs, "name" | "databaseName" | "description"> {
  const definition = {
    originalSql: sql,
    catalog: "awsdatacatalog",
    schema: databaseName,
    columns: columns.map(({ name, type }) => ({ name, type: engineType(type) })),
    // Athena reads the tables with the rights of who asks. A view of the other kind needs an owner.
    runAsInvoker: true,
  };
  const encoded = Buffer.from(JSON.stringify(definition)).toString("base64");
  return {
    tableType: "VIRTUAL_VIEW",
    parameters: { presto_view: "true", comment: "Presto View" },
    viewOriginalText: `/* Presto View: ${encoded} */`,
    viewExpandedText: "/* Presto View */",
    partitionKeys: [],
    storageDescriptor: {
      columns: columns.map(({ name, type, description }) => ({ name, type, comment: description })),
      // Athena refuses a table without it, and the provider leaves out an empty one.
      serDeInfo: { name: "-", serializationLibrary: "-" },
    },
  };
}

/** The type of Athena's engine for a type of Hive. */
function engineType(type: string): string {
  const map = /^map<(\w+),(\w+)>$/.exec(type);
  if (map) return `map(${engineType(map[1] as string)},${engineType(map[2] as string)})`;
  const known = ENGINE_TYPES[type];
  if (known === undefined) {
    throw new Error(
      `A view cannot have the type ${type} yet. Known are ${Object.keys(ENGINE_TYPES).join(", ")}.`,
    );
  }
  return known;
}

const ENGINE_TYPES: Readonly<Record<string, string>> = {
  string: "varchar",
  int: "integer",
  bigint: "bigint",
  double: "double",
  boolean: "boolean",
  date: "date",
  timestamp: "timestamp(3)",
};
