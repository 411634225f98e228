// Reads addresses and host names in a log, and decides which address of a request is the client's.

import { BlockList, isIP, isIPv6 } from "node:net";

export interface Address {
  /** Lower case, without brackets, port and zone. */
  ip: string;
  hasPort: boolean;
  isPrivate: boolean;
}

/** Private addresses, which no client on the internet has. */
const PRIVATE = new BlockList();
for (const [network, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const) {
  PRIVATE.addSubnet(network, bits, "ipv4");
}
for (const [network, bits] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  PRIVATE.addSubnet(network, bits, "ipv6");
}

const HOST = /^(?=.{1,253}$)(?![\d.]+$)[A-Za-z0-9_](?:[\w-]*\w)?(?:\.[A-Za-z0-9_](?:[\w-]*\w)?)*\.?$/;
const WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}|\[[^\]]*\]):\d{1,5}$/;
/** What proxies write for an unknown or hidden address (RFC 7239). */
const UNKNOWN = /^(?:-|unknown|_[\w.-]+)$/i;

/** A cache: logs repeat addresses, and checking the list of networks is the slowest step. */
const REMEMBERED = 10_000;
const remembered = new Map<string, Address | undefined>();

/** An IPv4 or IPv6 address, with or without port, zone and brackets; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  // The first character rules out most words.
  if (!/^[\d[:a-fA-F]/.test(text)) return undefined;
  const known = remembered.get(text);
  if (known !== undefined || remembered.has(text)) return known;
  const address = readAddress(text);
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(text, address);
  return address;
}

function readAddress(text: string): Address | undefined {
  const port = WITH_PORT.exec(text);
  const bare = (port?.[1] ?? text).replace(/^\[(.*)\]$/, "$1").replace(/%[\w.-]+$/, "");
  if (isIP(bare) === 0) return undefined;
  const ip = bare.toLowerCase();
  return { ip, hasPort: port !== null, isPrivate: isPrivate(ip) };
}

function isPrivate(ip: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(ip)?.[1];
  if (mapped !== undefined) return PRIVATE.check(mapped, "ipv4");
  return PRIVATE.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
}

export function isHostName(text: string): boolean {
  return HOST.test(text);
}

/**
 * A forwarded list such as `198.51.100.21, 10.0.0.9`, without its unknown entries. Undefined where an entry is
 * something else, so that no other field is mistaken for a list. `-` or `unknown` alone is an empty list.
 */
export function parseAddressList(text: string): Address[] | undefined {
  const addresses: Address[] = [];
  for (const entry of text.split(",")) {
    const part = forwardedElement(entry.trim());
    if (UNKNOWN.test(part)) continue;
    const address = parseAddress(part);
    if (address === undefined) return undefined;
    addresses.push(address);
  }
  return addresses;
}

/** The header Forwarded contains addresses as well: `for="[2001:db8::7]:443";proto=https`. */
function forwardedElement(entry: string): string {
  const named = /(?:^|;\s*)for="?([^";]+)"?(?:;|$)/i.exec(entry);
  return named?.[1] ?? entry;
}

/**
 * The client among the address that connected to the server and the lists that proxies forwarded, the client
 * first in each: the first address of a list that is not private, else the connection's, else the first of all.
 */
export function chooseClient(
  connected: string | undefined,
  forwarded: readonly Address[],
): string | undefined {
  const open = forwarded.find((address) => !address.isPrivate);
  if (open !== undefined) return open.ip;
  const address = connected === undefined ? undefined : parseAddress(connected);
  const isOpen = connected !== undefined && address?.isPrivate !== true;
  if (isOpen || forwarded.length === 0) return address?.ip ?? connected;
  return forwarded[0]?.ip;
}

/** True if a value is or contains an address. Its name must then end in `ip`, so that the privacy rule applies. */
export function holdsAddress(value: string): boolean {
  return value.split(/[\s,;|"'()]+/).some((part) => part !== "" && parseAddress(part) !== undefined);
}
