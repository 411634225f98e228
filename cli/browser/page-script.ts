// Bundles a script for a page that a command serves on this machine.

import { buildSync } from "esbuild";

const made = new Map<string, string>();

/** The script of this entry file, built once in a process. A fault in it is an error of esbuild. */
export function pageScript(entry: string): string {
  let script = made.get(entry);
  if (script === undefined) {
    script = buildSync({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: "iife",
      target: "es2022",
      minify: true,
      legalComments: "none",
      logLevel: "silent",
      tsconfigRaw: { compilerOptions: {} },
      define: { "process.env.NODE_ENV": '"production"' },
    }).outputFiles[0]?.text;
    if (script === undefined) throw new Error(`esbuild made no output for ${entry}.`);
    made.set(entry, script);
  }
  return script;
}
