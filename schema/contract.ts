// The contract for TypeScript: the fields of schema/clickstream.json, and lists derived from them.

import { fields, noEventIds, partitionKeys, quarantine } from "./clickstream.json";

export type PrivacyRule = "keep" | "mask" | "hash" | "drop";

/** One entry of `fields`. schema/clickstream.json describes each attribute under `attributes`. */
export interface Field {
  name: string;
  type: string;
  required?: boolean;
  identity?: boolean;
  aliases?: readonly string[];
  format?: string;
  computed?: boolean;
  curated?: boolean;
  column?: string;
  connection?: boolean;
  privacy?: PrivacyRule;
  since?: number;
  description: string;
  columnDescription?: string;
}

export interface Column {
  name: string;
  type: string;
  description: string;
}

export const FIELDS = fields as readonly Field[];

/** The fields that producers send, and that raw lines have. */
export const EVENT_FIELDS: readonly Field[] = FIELDS.filter(({ computed }) => !computed);

/** An event needs at least one of these. */
export const IDENTITY_FIELDS: readonly string[] = FIELDS.filter(({ identity }) => identity).map(
  ({ name }) => name,
);

/** The columns of the table `events`, in order. Columns of later versions come last. */
export const TABLE_COLUMNS: readonly Column[] = FIELDS.filter(({ curated }) => curated !== false)
  .toSorted((a, b) => (a.since ?? 1) - (b.since ?? 1))
  .map((field) => ({
    name: columnName(field),
    type: field.type,
    description: field.columnDescription ?? field.description,
  }));

export const PARTITION_KEYS: readonly Column[] = partitionKeys;

export const QUARANTINE_COLUMNS: readonly Column[] = quarantine.columns;

/** After the columns in `SELECT *`. Their values are folders, not parts of a line. */
export const QUARANTINE_PARTITION_KEYS: readonly Column[] = quarantine.partitionKeys;

/** The fields with a privacy rule, and their default rules. */
export const PRIVACY_DEFAULTS: Readonly<Record<string, PrivacyRule>> = Object.fromEntries(
  FIELDS.flatMap((field) => (field.privacy ? [[columnName(field), field.privacy]] : [])),
);

/** Placeholders that producers send instead of an id, in lower case. Such an event gets a generated id. */
export const NO_EVENT_IDS: ReadonlySet<string> = new Set(noEventIds);

function columnName({ name, column }: Field): string {
  return column ?? name;
}
