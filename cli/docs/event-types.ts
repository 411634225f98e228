// schema/event.ts: the TypeScript types of events and quarantine lines, from schema/clickstream.json.
import contract from "../../schema/clickstream.json";
import { EVENT_FIELDS, type Field } from "../../schema/contract";

/** Of the columns that hold one of a few values, the type that names them. */
interface LineColumn {
  name: string;
  type: string;
  values?: readonly string[];
  description: string;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "string",
  timestamp: "string",
  double: "number",
  int: "number",
  "map<string,string>": "Record<string, string>",
};

export function eventTypes(): string {
  const reasons = contract.quarantine.reasons.filter(({ writtenBy }) => writtenBy === "ingest");
  const quarantine: LineColumn[] = contract.quarantine.columns;
  return [
    "// The types of events and quarantine lines. Written by `npm run docs` from schema/clickstream.json.",
    "",
    ...groupTypes(),
    "/** An event as the ingest writes it. */",
    "export interface ClickstreamEvent {",
    ...eventMembers(),
    "}",
    "",
    "/** The reasons for which the ingest does not accept a line. */",
    "export type QuarantineReason =",
    `${reasons.map(({ code }) => `  | ${JSON.stringify(code)}`).join("\n")};`,
    "",
    "/** One line of a quarantine object. Its time has the form that Athena reads: `2026-11-21 09:00:01.123`. */",
    "export interface QuarantineLine {",
    ...quarantine.flatMap((column) =>
      member(column.name, column.name === "reason" ? "QuarantineReason" : typeOf(column), column.description),
    ),
    "}",
    "",
  ].join("\n");
}

const GROUPS = [
  ...new Set(EVENT_FIELDS.flatMap(({ name }) => (name.includes(".") ? [name.split(".")[0] as string] : []))),
];

/** `Geo` for the fields `geo.…`. */
const groupType = (group: string) => `${group.charAt(0).toUpperCase()}${group.slice(1)}`;

function groupTypes(): string[] {
  return GROUPS.flatMap((group) => {
    const fields = EVENT_FIELDS.filter(({ name }) => name.startsWith(`${group}.`));
    const members = fields.flatMap((field) => fieldMember(field, field.name.slice(group.length + 1)));
    return [`export interface ${groupType(group)} {`, ...members, "}", ""];
  });
}

function eventMembers(): string[] {
  const plain = EVENT_FIELDS.filter(({ name }) => !name.includes("."));
  return [
    ...plain.flatMap((field) => fieldMember(field, field.name)),
    ...GROUPS.map((group) => `  ${group}?: ${groupType(group)};`),
  ];
}

function fieldMember(field: Field, name: string): string[] {
  return member(field.required ? name : `${name}?`, typeOf(field), field.description);
}

function member(name: string, type: string, description: string): string[] {
  return [`  /** ${description}. */`, `  ${name}: ${type};`];
}

function typeOf({ name, type, values }: Pick<LineColumn, "name" | "type" | "values">): string {
  if (values) return values.map((value) => JSON.stringify(value)).join(" | ");
  const found = TYPES[type];
  if (found === undefined) {
    throw new Error(
      `schema/clickstream.json: ${name} has the type ${type}, known are ${Object.keys(TYPES).join(", ")}.`,
    );
  }
  return found;
}
