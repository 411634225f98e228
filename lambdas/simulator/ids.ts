// Makes ids from seeded random numbers, so that the same seed always gives the same ids.

import type { Random } from "../shared/random";

/** Table of four hexadecimal digits for 16 bits. A lookup is faster, and every event has an id. */
const HEX = Array.from({ length: 0x10000 }, (_, bits) => bits.toString(16).padStart(4, "0"));

/** Returns `count` times four hexadecimal digits. */
export function shortId(random: Random, count: number): string {
  let id = "";
  for (let made = 0; made < count; made += 1) id += HEX[random.bits() >>> 16];
  return id;
}

/** A version 4 UUID (RFC 9562). */
export function uuid(random: Random): string {
  const [a, b, c, d] = [random.bits(), random.bits(), random.bits(), random.bits()] as const;
  const version = HEX[(b & 0x0fff) | 0x4000];
  const variant = HEX[((c >>> 16) & 0x3fff) | 0x8000];
  return `${HEX[a >>> 16]}${HEX[a & 0xffff]}-${HEX[b >>> 16]}-${version}-${variant}-${HEX[c & 0xffff]}${HEX[d >>> 16]}${HEX[d & 0xffff]}`;
}
