// What was typed after an npm script, and one clear error for what is wrong. Checked before anything is installed or
// started.
import { suggest } from "../../infra/config/suggest.cjs";
import { COMMANDS } from "./commands.mjs";
import { helpText } from "./help.mjs";
import { parse } from "./parser.mjs";
import { fail, UsageError } from "./usage-error.mjs";

/** @import { Command, Request } from "./types.js" */

/**
 * Reads the command line; `help` is set instead of the rest when help was asked for.
 * @param {string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {Request}
 */
export function readArguments(argv, env = {}) {
  const [name = "", ...rest] = argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(unknownCommand(name));
  const options = parse(command, rest);
  if (!options) return { help: helpText(command) };
  refuseWhatNpmTook(name, command, env);
  const needs = typeof command.needs === "function" ? command.needs(options) : command.needs;
  return { command: name, needs, plain: command.plain === true, options };
}

/** @param {string} name */
function unknownCommand(name) {
  const known = Object.keys(COMMANDS);
  const close = suggest(name, known);
  const hint = close === undefined ? "" : ` Did you mean ${close}?`;
  return `${name === "" ? "No command was given." : `Unknown command ${name}.`}${hint} Allowed are ${known.join(", ")}.`;
}

/** Options of npm's own, which a person may have in a .npmrc. */
const NPM_HAS = ["json", "yes"];

/**
 * `npm start --events 5` (no lone --) makes npm keep the option for itself: the run would silently be another one.
 * @param {string} name
 * @param {Command} command
 * @param {NodeJS.ProcessEnv} env
 */
function refuseWhatNpmTook(name, command, env) {
  const taken = Object.keys(command.options).filter(
    (key) =>
      !NPM_HAS.includes(key) &&
      env[`npm_config_${key.replaceAll("-", "_")}`] !== undefined &&
      env.npm_lifecycle_event === name,
  );
  if (taken.length > 0) {
    const options = taken.map((key) => `--${key}`).join(", ");
    fail(
      command,
      `npm kept ${options} for itself: write a lone -- before it, as in: ${command.examples.at(-1)}`,
    );
  }
}
