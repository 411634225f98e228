// Writes the rows of a date into a Parquet file with the columns and types of the Spark job's files.

import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { TABLE_COLUMNS } from "../../../schema/contract";
import type { Row, Value } from "./columns";

const TEXT: Partial<SchemaElement> = {
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  logical_type: { type: "STRING" },
};

/** The Parquet type of each type of the contract, as pyarrow writes it. */
const TYPES: Readonly<Record<string, (name: string) => SchemaElement[]>> = {
  string: (name) => [optional(name, TEXT)],
  double: (name) => [optional(name, { type: "DOUBLE" })],
  int: (name) => [optional(name, { type: "INT32" })],
  timestamp: (name) => [
    optional(name, {
      type: "INT64",
      converted_type: "TIMESTAMP_MICROS",
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
    }),
  ],
  "map<string,string>": (name) => [
    optional(name, { num_children: 1, converted_type: "MAP", logical_type: { type: "MAP" } }),
    { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
    { name: "key", repetition_type: "REQUIRED", ...TEXT },
    optional("value", TEXT),
  ],
};

/** Spark knows that this column is never null, and says so in the job's files. */
const NEVER_NULL: ReadonlySet<string> = new Set(["revenue"]);

function optional(name: string, type: Partial<SchemaElement>): SchemaElement {
  return { name, repetition_type: NEVER_NULL.has(name) ? "REQUIRED" : "OPTIONAL", ...type };
}

const SCHEMA: SchemaElement[] = [
  { name: "schema", repetition_type: "REQUIRED", num_children: TABLE_COLUMNS.length },
  ...TABLE_COLUMNS.flatMap(({ name, type }) => {
    const elements = TYPES[type];
    if (elements === undefined)
      throw new Error(`No Parquet type for the type ${type} of the column ${name}.`);
    return elements(name);
  }),
];

/** One file. Rows wait until `flush` writes them as a row group. */
export class ParquetFile {
  /** Rows in the file and waiting. */
  rows = 0;
  /** Size of the raw lines of the rows that wait. */
  waitingBytes = 0;
  private waiting: Row[] = [];
  private readonly bytes = new ByteWriter();
  /** Snappy, which every version of Node.js has: the same rows always make the same bytes. */
  private readonly writer = new ParquetWriter({
    writer: this.bytes,
    schema: SCHEMA,
    codec: "SNAPPY",
    createdBy: "clickstream to-parquet (hyparquet-writer)",
  });

  add(row: Row, lineBytes: number): void {
    this.waiting.push(row);
    this.waitingBytes += lineBytes;
    this.rows += 1;
  }

  flush(): void {
    if (this.waiting.length === 0) return;
    const rows = this.waiting;
    const columnData = TABLE_COLUMNS.map(({ name, type }) => ({
      name,
      // The library's dictionary takes -0 and 0 for one value.
      ...(type === "double" ? { encoding: "PLAIN" as const } : {}),
      data: rows.map((row) => row[name] as Exclude<Value, undefined>),
    }));
    this.writer.write({ columnData, rowGroupSize: rows.length });
    this.waiting = [];
    this.waitingBytes = 0;
  }

  finish(): Uint8Array {
    this.flush();
    this.writer.finish();
    return this.bytes.getBytes();
  }
}
