// Converts raw objects for test/glue-scripts/test_to_parquet.py, which bundles this file and runs it on Lambda's Node.js.
// In: {objects: [{path, key, modified, rules, secret, out}]}. Out: the counts of each, and the patterns.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { convert } from "../../../lambdas/to-parquet/convert/convert";
import * as patterns from "../../../lambdas/to-parquet/convert/patterns";
import { protector } from "../../../lambdas/to-parquet/convert/privacy";
import { readRules } from "../../../lambdas/to-parquet/rules";
import type { PrivacyRule } from "../../../schema/contract";

interface Request {
  path: string;
  key: string;
  modified: string;
  rules: Record<string, PrivacyRule>;
  secret: string | null;
  /** The folder for the files, by date. */
  out: string;
}

async function run({ path, key, modified, rules, secret, out }: Request) {
  const protect = protector(
    readRules(JSON.stringify(rules)),
    secret === null ? undefined : Buffer.from(secret, "utf8"),
  );
  const started = performance.now();
  const converted = await convert({ key, body: readFileSync(path), modified: new Date(modified) }, protect);
  const milliseconds = performance.now() - started;
  const { lines, duplicates, files, unreadable } = converted;
  for (const [date, { body }] of files) {
    mkdirSync(`${out}/event_date=${date}`, { recursive: true });
    writeFileSync(`${out}/event_date=${date}/arrived.parquet`, body);
  }
  return {
    lines,
    duplicates,
    rows: [...files.values()].reduce((sum, { rows }) => sum + rows, 0),
    unreadable: unreadable.lines === 0 ? "" : gunzipSync(unreadable.finish()).toString("utf8"),
    milliseconds,
    peakMb: process.resourceUsage().maxRSS / 1024,
  };
}

async function main(): Promise<void> {
  const { objects } = JSON.parse(readFileSync(0, "utf8")) as { objects: Request[] };
  const results = [];
  for (const one of objects) results.push(await run(one));
  const names = ["user_id", "ip", "user_agent", "email", "product_name"];
  const { namePattern, memberPattern, parameterPattern, ...values } = patterns;
  const named = Object.fromEntries(
    names.map((name) => [name, [namePattern(name), parameterPattern(name), memberPattern(name)]]),
  );
  process.stdout.write(JSON.stringify({ results, patterns: { ...values, named } }));
}

void main();
