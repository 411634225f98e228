// Bundles the tracker into the script that the collector serves, and computes its integrity hash.

import { createHash } from "node:crypto";
import * as path from "node:path";
import { buildSync } from "esbuild";

export interface TrackerBundle {
  code: string;
  /** For the attribute `integrity` of a script element. */
  integrity: string;
}

let bundle: TrackerBundle | undefined;

/** Built once in a process: sources do not change under a running program. */
export function bundleTracker(): TrackerBundle {
  bundle ??= build();
  return bundle;
}

function build(): TrackerBundle {
  const result = buildSync({
    absWorkingDir: path.resolve(__dirname, ".."),
    entryPoints: ["tracker/clickstream.ts"],
    outfile: "clickstream.js",
    write: false,
    bundle: true,
    minify: true,
    platform: "browser",
    target: "es2021",
    format: "iife",
    legalComments: "none",
    charset: "ascii",
    logLevel: "silent",
    // The caller's tsconfig or environment must not change the bytes.
    tsconfigRaw: { compilerOptions: {} },
    define: {},
  });
  const file = result.outputFiles[0];
  if (!file) throw new Error("esbuild made no output for tracker/clickstream.ts.");
  const digest = createHash("sha384").update(file.contents).digest("base64");
  return { code: file.text, integrity: `sha384-${digest}` };
}
