// The contract as TypeScript reads it: the fields of schema/clickstream.json, and the lists that follow from them.

import { fields, noEventIds, partitionKeys, quarantine } from "./clickstream.json";

export type PrivacyRule = "keep" | "mask" | "hash" | "drop";

/** One entry of `fields`; schema/clickstream.json says under `attributes` what each attribute means. */
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

/** What producers send and a raw line has. */
export const EVENT_FIELDS: readonly Field[] = FIELDS.filter(({ computed }) => !computed);

/** An event needs one of these. */
export const IDENTITY_FIELDS: readonly string[] = FIELDS.filter(({ identity }) => identity).map(
  ({ name }) => name,
);

/** The columns of the table `events`, in its order: a column of a later version comes behind all earlier ones. */
export const TABLE_COLUMNS: readonly Column[] = FIELDS.filter(({ curated }) => curated !== false)
  .toSorted((a, b) => (a.since ?? 1) - (b.since ?? 1))
  .map((field) => ({
    name: columnName(field),
    type: field.type,
    description: field.columnDescription ?? field.description,
  }));

export const PARTITION_KEYS: readonly Column[] = partitionKeys;

export const QUARANTINE_COLUMNS: readonly Column[] = quarantine.columns;

/** The fields that take a privacy rule, each with its default. */
export const PRIVACY_DEFAULTS: Readonly<Record<string, PrivacyRule>> = Object.fromEntries(
  FIELDS.flatMap((field) => (field.privacy ? [[columnName(field), field.privacy]] : [])),
);

/** What producers write for an id when they have none, in small letters: such an event gets an id of its own. */
export const NO_EVENT_IDS: ReadonlySet<string> = new Set(noEventIds);

function columnName({ name, column }: Field): string {
  return column ?? name;
}
