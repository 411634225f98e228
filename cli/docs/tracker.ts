// The integrity hash in docs/tracker.md: the one of the script that this version's collector serves.

import { bundleTracker } from "../../tracker/bundle";

const HASH = /integrity="sha384-[^"]*"/;

export function trackerDocument(current: string): string {
  if (!HASH.test(current)) throw new Error('docs/tracker.md has no integrity="sha384-…" for the hash.');
  return current.replace(HASH, `integrity="${bundleTracker().integrity}"`);
}
