// Bundles a Lambda's TypeScript into one file, the same bytes for the same sources on every machine.

import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { buildSync } from "esbuild";

export const PROJECT_ROOT = path.resolve(__dirname, "../..");

/** The archive of `lambdas/<name>/handler.ts` with all it imports: `index.js`, handler `index.handler`. */
export function bundleLambda(name: string): pulumi.asset.AssetArchive {
  return new pulumi.asset.AssetArchive({ "index.js": new pulumi.asset.StringAsset(bundleSource(name)) });
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
