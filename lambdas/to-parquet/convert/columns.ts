// The columns of a row, from the contract: which field fills each, and which of them the privacy rules change.

import {
  EVENT_FIELDS,
  type Field,
  PRIVACY_DEFAULTS,
  type PrivacyRule,
  TABLE_COLUMNS,
} from "../../../schema/contract";

/** A value of a row: text, a number, microseconds since 1970, or a map of texts. */
export type Value = string | number | bigint | ReadonlyMap<string, string | null> | null;
/** A row of the table by column. */
export type Row = Record<string, Value>;

const nameOf = ({ name, column }: Field) => column ?? name;

export const COLUMNS: readonly string[] = TABLE_COLUMNS.map(({ name }) => name);

const fieldsWith = (format: string) =>
  new Set(EVENT_FIELDS.filter((field) => field.format === format).map(nameOf));
export const URL_FIELDS: ReadonlySet<string> = fieldsWith("url");
export const IP_FIELDS: ReadonlySet<string> = fieldsWith("ip");

const EVENT_COLUMNS = new Set(EVENT_FIELDS.map(nameOf));

/** Columns with any text. The event id is never changed, and an address has the rule of its field only. */
export const SCRUBBED: readonly string[] = TABLE_COLUMNS.filter(
  ({ name, type }) =>
    type === "string" && EVENT_COLUMNS.has(name) && name !== "event_id" && !IP_FIELDS.has(name),
).map(({ name }) => name);

export const IS_COLUMN: ReadonlySet<string> = new Set(COLUMNS);

/** The fields with a rule in the job's order: columns first. Each step sees the result of the one before. */
export function orderedRules(rules: Readonly<Record<string, PrivacyRule>>): [string, PrivacyRule][] {
  const names = [
    ...COLUMNS.filter((name) => name in PRIVACY_DEFAULTS),
    ...Object.keys(PRIVACY_DEFAULTS).filter((name) => !IS_COLUMN.has(name)),
  ];
  return names.map((name) => [name, rules[name] ?? (PRIVACY_DEFAULTS[name] as PrivacyRule)]);
}
