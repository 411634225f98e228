// Reads a raw line with the types of the contract, as the Spark job does. What Spark cannot read is unreadable here too.

import { arrival } from "../../../schema/clickstream.json";
import { EVENT_FIELDS } from "../../../schema/contract";
import { readText, withoutHalves } from "./as-text";
import type { Row, Value } from "./columns";
import { instant } from "./instant";
import { JsonText, type Kind, Unreadable } from "./json-text";

/** The place of a line in the order of arrival. */
export interface Arrival {
  time: bigint;
  shardId: string;
  sequenceNumber: string;
  position: number;
}

/** A readable line: the columns of its event, and its arrival. */
export interface RawLine {
  event: Row;
  arrival: Arrival;
}

type Reader = (json: JsonText, name: string) => Value;

/** A member of an object: a value for a column, or an object of members. */
type Member = { column: string; read: Reader } | { members: ReadonlyMap<string, Member> };

const MAX_INT = 2 ** 31;
/** As in the job: Spark reads more years, but not Python, which makes the folders of the table. */
const EARLIEST = instant("0001-01-01") as bigint;
const LATEST = instant("9999-12-31 23:59:59.999999") as bigint;

const READERS: Readonly<Record<string, Reader>> = {
  string: readText,
  // Spark casts the text of a time later, so a wrong one is unreadable and not invalid JSON.
  timestamp: readText,
  double: readDouble,
  int: readInt,
  "map<string,string>": readMap,
};

const MEMBERS = membersOf([
  ...EVENT_FIELDS.map(({ name, column = name, type }) => ({ path: name, column, type })),
  ...arrival.map(({ name, type }) => ({ path: `arrival.${name}`, column: `arrival.${name}`, type })),
]);

const NO_VALUES: Row = Object.fromEntries(columnsOf(MEMBERS).map((column) => [column, null]));

export function readRawLine(text: string): RawLine {
  const values: Row = { ...NO_VALUES };
  const json = new JsonText(text);
  if (json.kind() !== "object") throw new Unreadable("it is not a JSON object");
  readObject(json, "", MEMBERS, values);
  for (const name of ["event_id", "event_type", "event_time"]) {
    if (values[name] === null || values[name] === "") throw new Unreadable(`${name} is missing or empty`);
  }
  for (const { name } of arrival) {
    if (values[`arrival.${name}`] === null) throw new Unreadable(`arrival.${name} is missing`);
  }
  return { event: eventOf(values), arrival: arrivalOf(values) };
}

function eventOf(values: Row): Row {
  const time = timeOf(values, "event_time");
  if (time < EARLIEST || time > LATEST) throw new Unreadable("event_time is not in the years 1 to 9999");
  values.event_time = time;
  return values;
}

function arrivalOf(values: Row): Arrival {
  return {
    time: timeOf(values, "arrival.time"),
    shardId: values["arrival.shard_id"] as string,
    sequenceNumber: values["arrival.sequence_number"] as string,
    position: values["arrival.position"] as number,
  };
}

function timeOf(values: Row, name: string): bigint {
  const text = values[name] as string;
  const time = instant(text);
  if (time === undefined) throw new Unreadable(`${name} is ${shown(text)}, which is not a date and time`);
  return time;
}

function membersOf(fields: { path: string; column: string; type: string }[]): ReadonlyMap<string, Member> {
  const groups = new Map<string, { path: string; column: string; type: string }[]>();
  const members = new Map<string, Member>();
  for (const { path, column, type } of fields) {
    const [first = "", rest] = path.split(".");
    if (rest !== undefined) {
      groups.set(first, [...(groups.get(first) ?? []), { path: rest, column, type }]);
      continue;
    }
    const read = READERS[type];
    if (read === undefined) throw new Error(`No reader for the type ${type} of the field ${path}.`);
    members.set(first, { column, read });
  }
  for (const [name, group] of groups) members.set(name, { members: membersOf(group) });
  return members;
}

function columnsOf(members: ReadonlyMap<string, Member>): string[] {
  return [...members.values()].flatMap((member) =>
    "members" in member ? columnsOf(member.members) : [member.column],
  );
}

/** The last of two members with the same name counts. */
function readObject(json: JsonText, path: string, members: ReadonlyMap<string, Member>, values: Row): void {
  json.object((name) => {
    const member = members.get(name);
    if (member === undefined) json.skip();
    else if ("members" in member) readGroup(json, name, member.members, values);
    else values[member.column] = member.read(json, path + name);
  });
}

function readGroup(json: JsonText, name: string, members: ReadonlyMap<string, Member>, values: Row): void {
  for (const column of columnsOf(members)) values[column] = null;
  if (isNull(json)) return;
  expect(json, name, ["object"], "an object");
  readObject(json, `${name}.`, members, values);
}

function isNull(json: JsonText): boolean {
  if (json.kind() !== "null") return false;
  json.word("null");
  return true;
}

function expect(json: JsonText, name: string, kinds: Kind[], wanted: string): void {
  if (!kinds.includes(json.kind())) {
    throw new Unreadable(`${name} is ${shown(readText(json) ?? "null")}, which is not ${wanted}`);
  }
}

const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  "+INF": Infinity,
  "+Infinity": Infinity,
  Infinity: Infinity,
  "-INF": -Infinity,
  "-Infinity": -Infinity,
};

function readDouble(json: JsonText, name: string): number | null {
  if (isNull(json)) return null;
  expect(json, name, ["number", "not_finite", "string"], "a number");
  const kind = json.kind();
  if (kind === "number") {
    const text = json.number();
    // Spark reads -0 as a whole number, which has no sign then, and -0.0 as a double.
    return text === "-0" ? 0 : Number(text);
  }
  if (kind === "not_finite") return json.notFinite();
  const text = json.string();
  const value = NOT_FINITE[text];
  if (value === undefined) throw new Unreadable(`${name} is ${shown(text)}, which is not a number`);
  return value;
}

function readInt(json: JsonText, name: string): number | null {
  if (isNull(json)) return null;
  const wanted = "a whole number from -2147483648 to 2147483647";
  expect(json, name, ["number"], wanted);
  const text = json.number();
  const value = Number(text);
  if (/[.eE]/.test(text) || value < -MAX_INT || value >= MAX_INT) {
    throw new Unreadable(`${name} is ${shown(text)}, which is not ${wanted}`);
  }
  // JSON has -0.
  return value === 0 ? 0 : value;
}

/** A name that occurs twice keeps its first place and gets the last value, as in the job. */
function readMap(json: JsonText, name: string): ReadonlyMap<string, string | null> | null {
  if (isNull(json)) return null;
  expect(json, name, ["object"], "an object");
  const map = new Map<string, string | null>();
  json.object((key) => map.set(withoutHalves(key), readText(json)));
  return map;
}

function shown(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100).replace(/[\ud800-\udbff]$/, "")}...`;
}
