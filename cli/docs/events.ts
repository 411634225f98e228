// docs/events.md: what an event, a row of the table and a line of the quarantine have, from schema/clickstream.json.
import contract from "../../schema/clickstream.json";
import { type Column, EVENT_FIELDS, type Field, IDENTITY_FIELDS, TABLE_COLUMNS } from "../../schema/contract";

export function eventsDocument(): string {
  const { quarantine, partitionKeys, noEventIds } = contract;
  return [
    "# Events",
    "",
    "Written by `npm run docs` from `schema/clickstream.json`; a test fails when it is not current. To add a field, edit that file: it says how.",
    "",
    "## What a producer sends",
    "",
    `An event is a JSON object. Required are ${listed(EVENT_FIELDS.filter(({ required }) => required))} and one of ${codes(IDENTITY_FIELDS)}. A field that is not in this table is kept in \`properties\`, as text. A value of the wrong type sends the event to the quarantine. A number is taken as the text of a text field, and a text that is a number as a number.`,
    "",
    "| field | type | also accepted | privacy rule | since | what it is |",
    "| --- | --- | --- | --- | --- | --- |",
    ...EVENT_FIELDS.map(fieldRow),
    "",
    "The privacy rule is the default of the configuration key `privacy` ([privacy.md](privacy.md)). A field without one takes no rule.",
    "",
    `These values of \`event_id\` count as none, in any case of letters: ${codes(noEventIds)}.`,
    "",
    "## The table `events`",
    "",
    "Rows that were written before a column was added show null in it. A value that was sent before then is in `properties`, under the field's name.",
    "",
    ...columnTable([...TABLE_COLUMNS, ...partitionKeys]),
    "",
    "## The table `quarantine`",
    "",
    ...columnTable([...quarantine.columns, ...quarantine.partitionKeys]),
    "",
    "| reason | what it means | written by |",
    "| --- | --- | --- |",
    ...quarantine.reasons.map(({ code, description, writtenBy }) =>
      cells(`\`${code}\``, description, writtenBy),
    ),
    "",
  ].join("\n");
}

function fieldRow(field: Field): string {
  const { name, type, aliases = [], privacy = "", since = 1, curated, description } = field;
  const rule = curated === false ? `${privacy}, never a column` : privacy;
  return cells(`\`${name}\``, type, codes(aliases), rule, since, description);
}

function columnTable(columns: readonly Column[]): string[] {
  return [
    "| column | type | what it is |",
    "| --- | --- | --- |",
    ...columns.map(({ name, type, description }) => cells(`\`${name}\``, type, description)),
  ];
}

/** A row of a table; an empty cell is one blank. */
function cells(...values: (string | number)[]): string {
  return `|${values.map((value) => (value === "" ? " |" : ` ${value} |`)).join("")}`;
}

function listed(fields: readonly Field[]): string {
  return fields
    .map(({ name, aliases = [] }) =>
      aliases.length > 0 ? `\`${name}\` (or ${codes(aliases)})` : `\`${name}\``,
    )
    .join(", ");
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
