// Applies the privacy rule of `ip` to an address, with the result of the Spark job (glue-scripts/clickstream/privacy.py).

import type { PrivacyRule } from "../../schema/contract";

// The patterns of glue-scripts/clickstream/patterns.py. A test compares the results of both on the same addresses.
const OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])";
const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`;
const GROUP = "[0-9A-Fa-f]{1,4}";
const COLON = "(?::|%(?:25)?3[Aa])";
const IPV6 =
  `(?:(?:${GROUP}${COLON}){6}|(?:${GROUP}(?:${COLON}${GROUP}){0,5})?${COLON}${COLON}(?:${GROUP}${COLON}){0,5})${IPV4}` +
  `|(?:${GROUP}${COLON}){7}${GROUP}` +
  `|${GROUP}(?:${COLON}${GROUP}){0,6}${COLON}${COLON}(?:${GROUP}(?:${COLON}${GROUP}){0,6})?` +
  `|${COLON}${COLON}${GROUP}(?:${COLON}${GROUP}){0,6}`;
const AFTER_ESCAPE = "(?<=%[0-9A-Fa-f]{2})|(?<=\\\\[nrt])";
const ADDRESS = new RegExp(
  `(?:(?<![0-9A-Za-z:.])|${AFTER_ESCAPE})(?:${IPV6})(?!:?[0-9A-Za-z]|::|\\.[0-9])` +
    `|(?:(?<![0-9A-Za-z])|${AFTER_ESCAPE})(?<![0-9]\\.)${IPV4}(?![0-9A-Za-z]|\\.[0-9])`,
);
const WHOLE_IPV4 = new RegExp(`^${IPV4}$`);
const COLONS = new RegExp(COLON, "g");
const MAPPED_IPV4 = new RegExp(`^(?:::|(?:0{1,4}:){5})ffff:(${IPV4})$`);
const IPV4_TAIL = new RegExp(`(?<=:)${IPV4}$`);
const WELL_FORMED = new RegExp(
  `^(?:${IPV4}|(?:${GROUP}:){7}${GROUP}|::|(?:${GROUP}:){1,7}:|:(?::${GROUP}){1,7}` +
    `|(?=[^:]*(?::[^:]*){2,7}$)(?:${GROUP}:){1,6}(?::${GROUP}){1,6})$`,
);
const TO_NETWORK: readonly (readonly [RegExp, string])[] = [
  [/\.[0-9]+$/g, ".0"],
  [/^::/g, "0::"],
  [/::$/g, "::0"],
  [/::(?=(?:[^:]+:){6}[^:]+$)/g, ":"],
  [/::(?=(?:[^:]+:){5}[^:]+$)/g, ":0:"],
  [/::/g, ":0:0:"],
  // Removes leading zeros of a group, everything after the third group, and zero groups at the end.
  [/(?<![0-9a-f.])0+(?=[0-9a-f]+(?::|$))/g, ""],
  [/^((?:[^:.]+:){3})[^.]*$/g, "$1:"],
  [/(?:(?:^|:)0)+::$/g, "::"],
];

/** Enough for a list of proxies. A longer text holds no address, and none of it is stored where addresses are masked. */
const LONGEST_TEXT = 1_000;

/**
 * The address as it may be stored: masked or dropped here, so that the whole address is stored nowhere. It stays whole
 * where the rule keeps it, and where the job hashes it. The job masks a masked address again, which changes nothing.
 */
export function ruledAddress(address: unknown, rule: PrivacyRule): unknown {
  if (rule === "keep" || rule === "hash") return address ?? undefined;
  return rule === "mask" && typeof address === "string" ? networkOf(address) : undefined;
}

/** The first three numbers of an IPv4 address, the first 48 bits of an IPv6 address. undefined if it is no address. */
export function networkOf(text: string): string | undefined {
  if (WHOLE_IPV4.test(text)) return `${text.slice(0, text.lastIndexOf("."))}.0`;
  let network = plainAddress(text)?.replace(IPV4_TAIL, "0:0");
  if (network === undefined || !WELL_FORMED.test(network)) return undefined;
  for (const [pattern, replacement] of TO_NETWORK) network = network.replace(pattern, replacement);
  return network;
}

/** The first address in a text, without port, in lower case. An IPv4 address in the form of IPv6 becomes IPv4. */
export function plainAddress(text: string): string | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const found = ADDRESS.exec(text)?.[0] ?? text.trim();
  return found === "" ? undefined : found.toLowerCase().replace(COLONS, ":").replace(MAPPED_IPV4, "$1");
}
