// Where objects are in the buckets: the prefixes of schema/clickstream.json.

import { prefixes } from "./clickstream.json";

type Prefix = keyof typeof prefixes;

/** `PREFIX.raw` is `raw/`; each ends with a slash. */
export const PREFIX = Object.fromEntries(
  Object.entries(prefixes).map(([name, { prefix }]) => [name, prefix]),
) as Readonly<Record<Prefix, string>>;
