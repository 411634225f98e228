// Reads and checks the arguments of an npm script before anything is installed or started.
import { suggest } from "../../infra/config/suggest.cjs";
import { COMMANDS } from "./commands.mjs";
import { helpText } from "./help.mjs";
import { parse } from "./parser.mjs";
import { fail, UsageError } from "./usage-error.mjs";

/** @import { Command, Request } from "./types.js" */

/**
 * Reads the command line. For --help, only `help` is set.
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

/** Options that npm also has. A user can have them in a .npmrc. */
const NPM_HAS = ["json", "yes"];

/**
 * npm prints a banner on stdout before a script, which no program can read as JSON. Returns what to type instead, or
 * undefined if npm did not start this command, or was told to be silent.
 * @param {{ command: string, options: Record<string, unknown> }} request
 * @param {NodeJS.ProcessEnv} env
 */
export function noteOnBanner({ command, options }, env) {
  const banner = env.npm_lifecycle_event === command && env.npm_config_loglevel !== "silent";
  if (!options.json || !banner) return undefined;
  const typed = command === "start" ? "npm start --silent" : `npm run --silent ${command}`;
  return `npm prints a banner before the JSON. For the JSON alone: ${typed} -- --json …`;
}

/**
 * With `npm start --events 5` (without a separate --), npm uses the option itself. The command would silently run
 * without it.
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
      `npm used ${options} itself: write a separate -- before it, for example: ${command.examples.at(-1)}`,
    );
  }
}
