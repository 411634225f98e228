// Parses the options and positional arguments that a command declares. Uses Node's own parser, because this runs before
// packages are installed.
import { parseArgs } from "node:util";
import { suggest } from "../../infra/config/suggest.cjs";
import { fail } from "./usage-error.mjs";
import { show } from "./values.mjs";

/** @import { Command, Option, Options } from "./types.js" */
/** @typedef {Record<string, Option>} Declared */
/** @typedef {Extract<NonNullable<ReturnType<typeof parseArgs>["tokens"]>[number], { kind: "option" }>} OptionToken */

/**
 * @param {Command} command
 * @param {string[]} argv
 * @returns {Options | undefined} undefined for --help
 */
export function parse(command, argv) {
  /** @type {Declared} */
  const declared = { ...command.options, help: { type: "boolean", short: "h", help: "show this help" } };
  const { tokens } = parseArgs({
    args: argv,
    options: Object.fromEntries(Object.entries(declared).map(([key, option]) => [key, forNode(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  /** @type {Options} */
  const given = {};
  /** @type {string[]} */
  const positionals = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const argument = argv[token.index] ?? "";
    // SQL can begin with a comment. Option names contain no spaces.
    if (isStatement(token, declared, argument)) positionals.push(argument);
    else takeOption(command, declared, given, token);
  }
  if (given.help) return undefined;
  checkTogether(command, given);
  return { ...given, ...readPositionals(command, positionals) };
}

/** @param {Option} option */
function forNode(option) {
  const short = option.type === "boolean" && option.short ? { short: option.short } : {};
  return { type: option.type, multiple: option.type === "string" && option.multiple === true, ...short };
}

/**
 * Checks which options exclude or require each other.
 * @param {Command} command
 * @param {Options} given
 */
function checkTogether(command, given) {
  for (const [one, other] of command.conflicts ?? []) {
    if (given[one] !== undefined && given[other] !== undefined) {
      fail(command, `--${one} and --${other} exclude each other: use only one of them.`);
    }
  }
  for (const [key, option] of Object.entries(command.options)) {
    if (option.type === "string" && option.required && given[key] === undefined)
      fail(command, `--${key} ${option.value} is missing: ${option.help}.`);
  }
  if (command.oneOf?.every((key) => given[key] === undefined)) {
    fail(command, `One of ${command.oneOf.map((key) => `--${key}`).join(", ")} is required.`);
  }
  for (const [one, other] of command.together ?? []) {
    if (given[one] !== undefined && given[other] === undefined) {
      fail(command, `--${one} requires --${other}.`);
    }
  }
}

/**
 * True for SQL that begins with a comment: an option name that the command declares contains no spaces.
 * @param {OptionToken} token
 * @param {Declared} declared
 * @param {string} argument
 */
function isStatement(token, declared, argument) {
  if (!token.rawName.startsWith("--")) return false;
  return /\s/.test(Object.hasOwn(declared, token.name) ? token.rawName : argument);
}

/**
 * @param {Command} command
 * @param {Declared} declared
 * @param {Options} given
 * @param {OptionToken} token
 */
function takeOption(command, declared, given, token) {
  const option = Object.hasOwn(declared, token.name) ? declared[token.name] : undefined;
  if (!option) return fail(command, unknownOption(token, Object.keys(declared)));
  if (option.type === "boolean") {
    if (token.value !== undefined) fail(command, `--${token.name} takes no value, got ${show(token.value)}.`);
    given[token.name] = true;
    return;
  }
  // "--file --json": the value is missing. A statement can begin with "--", but contains spaces.
  if (token.value === undefined || (!token.inlineValue && /^--\S*$/.test(token.value))) {
    return fail(command, `--${token.name} needs a value: --${token.name} ${option.value}.`);
  }
  const before = given[token.name];
  if (before !== undefined && !option.multiple) {
    fail(command, `--${token.name} was given twice: give it once.`);
  }
  const value = option.read(`--${token.name}`, token.value, (message) => fail(command, message));
  given[token.name] = option.multiple ? [...(Array.isArray(before) ? before : []), value] : value;
}

/**
 * @param {OptionToken} token
 * @param {string[]} known
 */
function unknownOption({ rawName, name }, known) {
  const close = suggest(name, known);
  const hint = close === undefined ? "" : ` Did you mean --${close}?`;
  return `Unknown option ${rawName}.${hint} Allowed are ${known.map((key) => `--${key}`).join(", ")}.`;
}

/**
 * @param {Command} command
 * @param {string[]} positionals
 * @returns {Options}
 */
function readPositionals(command, positionals) {
  const { positional } = command;
  const most = positional?.list ? Number.POSITIVE_INFINITY : positional ? 1 : 0;
  if (positionals.length > most) {
    const hint = positional
      ? `put the whole ${positional.name} between quotes`
      : `options go after a separate --, for example: ${command.examples.at(-1)}`;
    fail(command, `Unexpected argument ${show(positionals[most])}: ${hint}.`);
  }
  if (!positional) return {};
  /** @param {string} value */
  const read = (value) => positional.read(positional.name, value, (message) => fail(command, message));
  if (positional.list) return { [positional.key]: positionals.map(read) };
  const text = positionals[0] ?? positional.fallback;
  if (text === undefined) return fail(command, `${positional.name} is missing.`);
  return { [positional.key]: read(text) };
}
