// npm run doctor: checks this machine and a stack on AWS, and shows a remedy for each problem. Runs on a fresh clone.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { machineChecks } from "../doctor/machine.mjs";

/** @import { Check } from "../doctor/machine.mjs" */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SIGNS = { ok: "✓", bad: "✗", unknown: "–" };
const COLOURS = { ok: 32, bad: 31, unknown: 2 };

/**
 * @param {{ stack?: string, json?: boolean }} options
 * @returns {Promise<number>} the exit code
 */
export async function main({ stack, json }) {
  const checks = await machineChecks(ROOT, process.env);
  if (stack !== undefined) checks.push(...(await stackChecks(stack, checks)));
  if (json) process.stdout.write(`${JSON.stringify({ stack: stack ?? null, checks })}\n`);
  else show(checks);
  return checks.some(({ state }) => state === "bad") ? 1 : 0;
}

/**
 * The checks of a stack need TypeScript and the AWS SDK, so the npm packages must be installed.
 * @param {string} stack
 * @param {Check[]} checks
 * @returns {Promise<Check[]>}
 */
async function stackChecks(stack, checks) {
  if (checks.find(({ name }) => name === "npm packages")?.state !== "ok") {
    return [
      {
        name: "AWS",
        state: "unknown",
        says: "not checked: the npm packages are missing",
        remedy: "run npm ci, then the same command again",
      },
    ];
  }
  try {
    (await import("tsx/cjs/api")).register();
    return await createRequire(import.meta.url)("../doctor/stack.ts").checkStack(stack);
  } catch (error) {
    return [
      {
        name: "AWS",
        state: "bad",
        says: `could not be checked: ${/** @type {Error} */ (error).message}`,
        remedy: "see the message",
      },
    ];
  }
}

/** @param {Check[]} checks */
function show(checks) {
  const coloured = process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  /**
   * @param {number} code
   * @param {string} text
   */
  const paint = (code, text) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, says, remedy } of checks) {
    const advice = remedy && state !== "ok" ? ` → ${remedy}` : "";
    process.stdout.write(`${paint(COLOURS[state], SIGNS[state])} ${name.padEnd(width)}  ${says}${advice}\n`);
  }
  const bad = checks.filter(({ state }) => state === "bad").length;
  process.stdout.write(
    bad === 0 ? "No problems found.\n" : `${bad} ${bad === 1 ? "problem" : "problems"} found.\n`,
  );
}
