#!/usr/bin/env node
// Stands in for the pulumi CLI: keeps stacks and configuration in a file, records how it was called, and answers as the
// CLI does. What goes wrong is planted in the file by the test: `fail` maps a command to what it says.
import { readFileSync, renameSync, writeFileSync } from "node:fs";

const file = process.env.FAKE_PULUMI ?? "";
const state = JSON.parse(readFileSync(file, "utf8"));
// Whole or not at all: the test reads it meanwhile.
const save = () => {
  writeFileSync(`${file}.part`, JSON.stringify(state));
  renameSync(`${file}.part`, file);
};
const args = process.argv.slice(2);
state.calls.push({ args, passphrase: process.env.PULUMI_CONFIG_PASSPHRASE ?? null });
save();

/** @type {Record<string, string[]>} */
const known = { stack: ["init", "ls", "rm", "output", "export"], config: ["set-all", "rm"] };
const [first = "", second = "", third = "", fourth = ""] = args;
const command = known[first]?.includes(second) ? `${first} ${second}` : first;
/** @param {string} name */
const option = (name) => args[args.indexOf(name) + 1] ?? "";
if (!args.includes("--non-interactive")) fail("error: prompted, and nobody is there");
if (state.fail[command]) fail(state.fail[command]);

/**
 * @param {string} text
 * @returns {never}
 */
function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(255);
}

/** @type {Record<string, () => string | Promise<string>>} */
const COMMANDS = {
  whoami: () => "somebody",
  "stack ls": () =>
    JSON.stringify(
      Object.entries(state.stacks).map(([name, count]) => ({
        name,
        current: false,
        ...(count && { resourceCount: count }),
      })),
    ),
  "stack init": () => {
    state.stacks[third] = 0;
    return `Created stack '${third}'`;
  },
  "config set-all": () => {
    for (let at = 0; at < args.length; at++) {
      if (args[at] !== "--plaintext" && args[at] !== "--secret") continue;
      const [key = "", ...value] = (args[at + 1] ?? "").split("=");
      state.config[key] = { value: value.join("="), secret: args[at] === "--secret" };
    }
    return "";
  },
  "config rm": () => {
    delete state.config[fourth];
    return "";
  },
  up: async () => {
    if (process.argv.includes("--expect-no-changes")) {
      if (state.changes)
        fail(`${state.changes}\nerror: error: no changes were expected but changes occurred`);
      return "Resources:\n    80 unchanged";
    }
    state.stacks[option("--stack")] = 80;
    process.stdout.write("Updating (accept):\n +  aws:kinesis:Stream clickstream-stream created\n");
    // As the engine: a first SIGINT ends the update in order.
    if (state.slow) {
      const waiting = setTimeout(() => undefined, 20_000);
      await new Promise((resolve) => process.once("SIGINT", resolve));
      clearTimeout(waiting);
      state.interrupted = true;
      save();
      fail("error: update canceled");
    }
    return "Resources:\n    + 80 created";
  },
  "stack output": () => JSON.stringify(state.outputs),
  "stack export": () =>
    JSON.stringify({
      version: 3,
      deployment: {
        resources: [
          { type: "pulumi:pulumi:Stack" },
          { type: "pulumi:providers:aws", custom: true },
          { type: "aws:kinesis/stream:Stream", custom: true },
          { type: "aws:s3/bucket:Bucket", custom: true },
          { type: "aws:s3/bucket:Bucket", custom: true },
        ],
      },
    }),
  destroy: () => {
    state.stacks[option("--stack")] = 0;
    return "Resources:\n    - 80 deleted";
  },
  "stack rm": () => {
    delete state.stacks[option("--stack")];
    return "Stack has been removed!";
  },
};

const run = COMMANDS[command];
if (!run) fail(`error: unknown command "${args.join(" ")}" for "pulumi"`);
process.stdout.write(`${await run()}\n`);
save();
