// Runs SQL in Athena, on the local stack or on AWS, and returns the rows as typed values.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type GetQueryResultsCommandOutput,
  type QueryExecution,
  StartQueryExecutionCommand,
} from "@aws-sdk/client-athena";

export type Value = string | number | boolean | null;

export interface QueryResult {
  sql: string;
  columns: string[];
  rows: Value[][];
  /** What Athena bills by. */
  scannedBytes: number;
}

/** Athena rejected the statement. The message is Athena's. */
export class QueryFailed extends Error {
  constructor(
    readonly sql: string,
    message: string,
  ) {
    super(message);
  }
}

export interface QueryTarget {
  athena: AthenaClient;
  database: string;
  workgroup: string;
}

const POLL_MILLISECONDS = [50, 100, 200, 300, 500];

export async function runQuery(
  { athena, database, workgroup }: QueryTarget,
  sql: string,
): Promise<QueryResult> {
  const id = await start(athena, sql, database, workgroup);
  const { Status: status = {}, Statistics } = await finished(athena, id);
  if (status.State !== "SUCCEEDED") {
    throw new QueryFailed(
      sql,
      status.StateChangeReason ?? status.AthenaError?.ErrorMessage ?? `${status.State}`,
    );
  }
  return { sql, ...(await results(athena, id)), scannedBytes: Statistics?.DataScannedInBytes ?? 0 };
}

async function start(
  athena: AthenaClient,
  sql: string,
  database: string,
  workgroup: string,
): Promise<string> {
  try {
    const { QueryExecutionId } = await athena.send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        QueryExecutionContext: { Database: database },
        WorkGroup: workgroup,
      }),
    );
    return QueryExecutionId ?? "";
  } catch (error) {
    // Athena rejects what it cannot parse at once, without a query execution.
    if (error instanceof Error && error.name === "InvalidRequestException")
      throw new QueryFailed(sql, error.message);
    throw error;
  }
}

async function finished(athena: AthenaClient, id: string): Promise<QueryExecution> {
  for (let poll = 0; ; poll++) {
    const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = QueryExecution?.Status?.State;
    if (QueryExecution && state && !["QUEUED", "RUNNING"].includes(state)) return QueryExecution;
    await sleep(POLL_MILLISECONDS[Math.min(poll, POLL_MILLISECONDS.length - 1)]);
  }
}

async function results(athena: AthenaClient, id: string): Promise<Pick<QueryResult, "columns" | "rows">> {
  const rows: Value[][] = [];
  let columns: { name: string; type: string }[] = [];
  let token: string | undefined;
  do {
    const page: GetQueryResultsCommandOutput = await athena.send(
      new GetQueryResultsCommand({ QueryExecutionId: id, NextToken: token }),
    );
    const info = page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? [];
    columns = info.map(({ Name = "", Type = "varchar" }) => ({ name: Name, type: Type }));
    for (const row of page.ResultSet?.Rows ?? []) {
      rows.push(columns.map(({ type }, index) => typed(row.Data?.[index]?.VarCharValue, type)));
    }
    token = page.NextToken;
  } while (token);
  // The result of a SELECT begins with a row of column names. The results of SHOW and DESCRIBE do not.
  const header = rows[0];
  if (header && columns.every(({ name }, index) => header[index] === name)) rows.shift();
  return { columns: columns.map(({ name }) => name), rows };
}

/** A value in its column's type. Integers that JavaScript cannot represent stay text. */
function typed(text: string | undefined, type: string): Value {
  if (text === undefined) return null;
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (/^(tinyint|smallint|integer|int|bigint|float|real|double|decimal)/.test(type) && text.trim() !== "") {
    const number = Number(text);
    if (Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number))) return number;
  }
  return text;
}
