// What is an address or a host name in a log, and which of a request's addresses is the client's.

import { BlockList, isIP, isIPv6 } from "node:net";

export interface Address {
  /** Without brackets, port and zone, in lower case. */
  ip: string;
  hasPort: boolean;
  isPrivate: boolean;
}

/** Addresses that no client on the internet has: of companies, homes, clouds and this machine. */
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
/** What proxies write for an address that they do not know or do not tell (RFC 7239). */
const UNKNOWN = /^(?:-|unknown|_[\w.-]+)$/i;

/** A log names the same addresses again and again, and a look into the list of networks takes longest of all. */
const REMEMBERED = 10_000;
const remembered = new Map<string, Address | undefined>();

/** An IPv4 or IPv6 address, perhaps with a port, a zone or in brackets; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  // Most words of a line begin as no address does.
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
 * something else, so that no other field is taken for one. `-` and `unknown` alone are an empty list.
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

/** `for="[2001:db8::7]:443";proto=https` of the header Forwarded names an address as well. */
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

/** True where a value is an address or begins or goes on with one: it has to be named so that the ip rule holds. */
export function holdsAddress(value: string): boolean {
  return value.split(/[\s,;|"'()]+/).some((part) => part !== "" && parseAddress(part) !== undefined);
}
