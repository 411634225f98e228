// The fields of the event contract, in the form that the validator needs.

import { EVENT_FIELDS, type Field } from "../../schema/contract";

/** A field whose value is a string or a number. */
export interface Member {
  name: string;
  /** Its name in error messages: `geo.ip`. */
  path: string;
  type: "string" | "double" | "int";
  /** Other names at the top level of an event. */
  aliases: readonly string[];
}

/** An object of fields, such as geo. */
export interface Group {
  name: string;
  members: Member[];
  names: Set<string>;
}

/** Fields that have their own parsing code. */
const SPECIAL = ["event_id", "event_time", "properties"];
const TYPES: readonly string[] = ["string", "double", "int"] satisfies Member["type"][];

const MEMBERS = membersOf(EVENT_FIELDS.filter(({ name }) => !SPECIAL.includes(name)));

/** The top-level fields that have only one name, by that name. */
export const PLAIN: ReadonlyMap<string, Member> = new Map(
  MEMBERS.flatMap((member) => (isPlain(member) ? [[member.name, member]] : [])),
);

/** The fields that can be in more than one place. */
export const GROUPS_AND_ALIASED: readonly (Member | Group)[] = MEMBERS.filter((member) => !isPlain(member));

/** An event needs at least one of these. */
export const IDENTITY: readonly Member[] = EVENT_FIELDS.filter(({ identity }) => identity).map(memberOf);

export const TIME_ALIASES: readonly string[] =
  EVENT_FIELDS.find(({ name }) => name === "event_time")?.aliases ?? [];

/** The known top-level names. All other fields become properties. */
export const KNOWN_NAMES: ReadonlySet<string> = new Set(
  EVENT_FIELDS.flatMap(({ name, aliases = [] }) => [name.split(".")[0] as string, ...aliases]),
);

function isPlain(member: Member | Group): member is Member {
  return !("members" in member) && member.aliases.length === 0;
}

function membersOf(fields: readonly Field[]): (Member | Group)[] {
  const members: (Member | Group)[] = [];
  const groups = new Map<string, Group>();
  for (const field of fields) {
    const groupName = field.name.includes(".") ? (field.name.split(".")[0] as string) : undefined;
    if (groupName === undefined) {
      members.push(memberOf(field));
      continue;
    }
    let group = groups.get(groupName);
    if (group === undefined) {
      group = { name: groupName, members: [], names: new Set() };
      groups.set(groupName, group);
      members.push(group);
    }
    const member = memberOf(field);
    group.members.push(member);
    group.names.add(member.name);
  }
  return members;
}

function memberOf({ name, type, aliases = [] }: Field): Member {
  if (!TYPES.includes(type)) {
    throw new Error(
      `schema/clickstream.json: the field ${name} has the type ${type}. The ingest reads ${TYPES.join(", ")}.`,
    );
  }
  return { name: name.split(".").at(-1) as string, path: name, type: type as Member["type"], aliases };
}
