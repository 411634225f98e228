// Applies one privacy rule to one value: keep, mask, hash or drop, as the Spark job does.

import { createHmac } from "node:crypto";
import type { PrivacyRule } from "../../../schema/contract";
import { IP_FIELDS, URL_FIELDS } from "./columns";
import { javaRegex } from "./java-regex";
import { ADDRESS, COLON, IPV4, TO_IPV4_OR_GROUPS, TO_NETWORK, WELL_FORMED } from "./patterns";

const PLAIN_IPV4 = javaRegex(`^${IPV4}$`);
const ANY_ADDRESS = javaRegex(ADDRESS);
const ANY_COLON = javaRegex(COLON);
const ANY_NETWORK = javaRegex(WELL_FORMED);
const TO_GROUPS = TO_IPV4_OR_GROUPS.map(([pattern, by]) => [javaRegex(pattern), by] as const);
const TO_NETWORKS = TO_NETWORK.map(([pattern, by]) => [javaRegex(pattern), by] as const);
const AFTER_PATH = javaRegex("[?#].*$");
const USER = javaRegex("//[^/@]*@");

/** Whether a pattern matches somewhere. The patterns are global, so `test` would start behind its last match. */
export function matches(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/** The rule of each field that does not keep it, in the order of the job, and the key for hashes. */
export interface Rules {
  acting: readonly (readonly [string, PrivacyRule])[];
  key: Buffer | undefined;
}

export function protectValue(
  name: string,
  action: PrivacyRule,
  value: string | null,
  { key }: Rules,
): string | null {
  if (value === null || action === "keep") return value;
  if (action === "drop") return null;
  if (action === "mask") return mask(name, value);
  if (key === undefined) throw new Error(`The privacy rule of ${name} hashes, but there is no key.`);
  const input = IP_FIELDS.has(name) ? (firstAddress(value) ?? value) : value;
  return createHmac("sha256", key).update(input, "utf8").digest("hex");
}

function mask(name: string, value: string): string | null {
  if (IP_FIELDS.has(name)) return maskIp(value);
  if (URL_FIELDS.has(name)) return value.replace(AFTER_PATH, "").replace(USER, "//");
  return `${value.slice(0, (value.codePointAt(0) ?? 0) > 0xffff ? 2 : 1)}***`;
}

/** The network of the first address; null if there is none. */
function maskIp(ip: string): string | null {
  if (matches(PLAIN_IPV4, ip)) return `${ip.split(".").slice(0, 3).join(".")}.0`;
  return maskRareIp(firstAddress(ip) ?? ip.replace(/^ +| +$/g, ""));
}

function firstAddress(text: string): string | undefined {
  ANY_ADDRESS.lastIndex = 0;
  return ANY_ADDRESS.exec(text)?.[0].replace(ANY_COLON, ":").toLowerCase();
}

function maskRareIp(address: string): string | null {
  const groups = TO_GROUPS.reduce((text, [pattern, by]) => text.replace(pattern, by), address);
  const network = groups.match(ANY_NETWORK)?.[0];
  if (network === undefined) return null;
  return TO_NETWORKS.reduce((text, [pattern, by]) => text.replace(pattern, by), network);
}
