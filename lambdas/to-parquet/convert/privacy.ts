// Applies the privacy rules to a row: columns and properties by name, and personal values in any text. It gives the
// values of glue-scripts/clickstream/privacy.py, which a test compares.

import type { PrivacyRule } from "../../../schema/contract";
import { IP_FIELDS, IS_COLUMN, orderedRules, type Row, SCRUBBED } from "./columns";
import { javaRegex } from "./java-regex";
import { namePattern, PERSONAL_VALUES } from "./patterns";
import { matches, protectValue, type Rules } from "./rule";
import { scrubber } from "./scrub";
import { mayConcern } from "./suspects";

type Properties = ReadonlyMap<string, string | null>;

/** Returns a function that changes a row in place. The id of the event is not changed. */
export function protector(
  configured: Readonly<Record<string, PrivacyRule>>,
  key: Buffer | undefined,
): (row: Row) => void {
  const rules: Rules = { acting: orderedRules(configured).filter(([, action]) => action !== "keep"), key };
  if (rules.acting.length === 0) return () => undefined;
  const ofColumns = rules.acting.filter(([name]) => IS_COLUMN.has(name));
  const byName = ofColumns.filter(([name]) => !IP_FIELDS.has(name));
  const addresses = ofColumns.filter(([name]) => IP_FIELDS.has(name));
  const concerns = mayConcern(rules.acting.map(([name]) => name));
  const scrub = scrubber(rules);
  const protectProperties = propertyRules(rules);

  const apply = (row: Row, [name, action]: readonly [string, PrivacyRule]) => {
    row[name] = protectValue(name, action, row[name] as string | null, rules);
  };
  return (row) => {
    for (const rule of byName) apply(row, rule);
    if (concerns(allText(row))) {
      for (const name of SCRUBBED) row[name] = scrubbed(row[name] as string | null, scrub);
      const properties = row.properties as Properties | null;
      if (properties !== null) row.properties = withoutNulls(protectProperties(properties), scrub);
    }
    for (const rule of addresses) apply(row, rule);
  };
}

/** All text of a row, one piece per line. Property names end with `=`, like parameters in a URL. */
function allText(row: Row): string {
  const properties = row.properties as Properties | null;
  const texts = SCRUBBED.map((name) => row[name] as string | null);
  const names = properties === null ? null : [...properties.keys()].join("=\n");
  const values =
    properties === null ? null : [...properties.values()].filter((value) => value !== null).join("\n");
  return ["", ...texts, names, "=", values].filter((text) => text !== null).join("\n");
}

function scrubbed(text: string | null, scrub: (text: string) => string | null): string | null {
  return text === null ? null : scrub(text);
}

function withoutNulls(properties: Properties, scrub: (text: string) => string | null): Properties {
  const left = new Map<string, string>();
  for (const [name, value] of properties) {
    const text = scrubbed(value, scrub);
    if (text !== null) left.set(name, text);
  }
  return left;
}

/** Applies the rules to properties whose names mean a field. */
function propertyRules(rules: Rules): (properties: Properties) => Properties {
  const named = rules.acting.map(
    ([name, action]) => [name, action, javaRegex(`${namePattern(name)}$`)] as const,
  );
  // A property whose name itself is a personal value is removed.
  const dropped = [
    ...named.filter(([, action]) => action === "drop").map(([, , pattern]) => pattern),
    ...rules.acting.flatMap(([name]) => {
      const pattern = PERSONAL_VALUES[name];
      return pattern === undefined ? [] : [javaRegex(pattern)];
    }),
  ];
  const changing = named.filter(([, action]) => action !== "drop");
  return (properties) => {
    const left = new Map<string, string | null>();
    for (const [key, value] of properties) {
      if (dropped.some((pattern) => matches(pattern, key))) continue;
      const rule = changing.findLast(([, , pattern]) => matches(pattern, key));
      left.set(key, rule === undefined ? value : protectValue(rule[0], rule[1], value, rules));
    }
    return left;
  };
}
