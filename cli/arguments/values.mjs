// Parsers for argument values. Each returns the value, or rejects it with one clear message.
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { suggest } from "../../infra/config/suggest.cjs";

/** @import { ReadValue, Refuse } from "./types.js" */

/**
 * Formats a value for a message.
 * @param {unknown} value
 */
export function show(value) {
  return value === "" ? "an empty string" : JSON.stringify(value);
}

/**
 * @param {RegExp} pattern
 * @param {string} allowed describes the allowed values
 * @returns {ReadValue}
 */
export function matching(pattern, allowed) {
  return (name, value, refuse) => {
    if (!pattern.test(value)) refuse(`${name} must be ${allowed}, got ${show(value)}.`);
    return value;
  };
}

/**
 * @param {string[]} allowed
 * @returns {ReadValue}
 */
export function oneOf(allowed) {
  return (name, value, refuse) => {
    if (allowed.includes(value)) return value;
    const close = suggest(value, allowed);
    const hint = close === undefined ? "" : ` Did you mean ${close}?`;
    return refuse(`${name} must be one of ${allowed.join(", ")}, got ${show(value)}.${hint}`);
  };
}

/**
 * @param {number} least
 * @param {number} most
 * @returns {ReadValue}
 */
export function integer(least, most) {
  return (name, value, refuse) => {
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      refuse(`${name} must be a whole number from ${least} to ${most}, got ${show(value)}.`);
    }
    return number;
  };
}

/**
 * @param {string} allowed
 * @returns {ReadValue}
 */
export function text(allowed) {
  return (name, value, refuse) => {
    if (value.trim() === "") refuse(`${name} must be ${allowed}, got ${show(value)}.`);
    return value;
  };
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function setting(name, value, refuse) {
  if (!/^[A-Za-z]\w*=/.test(value)) {
    refuse(`${name} must be KEY=VALUE, such as batchWindowSeconds=300, got ${show(value)}.`);
  }
  return value;
}

/**
 * No message shows the value.
 * @param {string} allowed
 * @returns {ReadValue}
 */
export function secretText(allowed) {
  return (name, value, refuse) => {
    if (value.trim() === "") refuse(`${name} must be ${allowed}, got an empty text.`);
    return value;
  };
}

/**
 * Returns the key and the value. The value can be a secret, so no message shows it.
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function configuration(name, value, refuse) {
  const [, key, text] = /^([A-Za-z]\w*)=(.*)$/s.exec(value) ?? [];
  if (key === undefined || text === undefined) {
    return refuse(
      `${name} must be KEY=VALUE with a key of Pulumi.yaml, such as shardCount=2 or 'tags={"team":"data"}'. What was given is not shown, as it can be a secret.`,
    );
  }
  return [key, text];
}

/**
 * npm runs scripts in the project's folder. INIT_CWD is the folder where the user typed the command.
 * @param {string} value
 */
function absolute(value) {
  return resolve(process.env.INIT_CWD ?? process.cwd(), value);
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function folder(name, value, refuse) {
  if (value.trim() === "") refuse(`${name} must be a folder, got ${show(value)}.`);
  const path = absolute(value);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false)
    refuse(`${name} must be a folder, got ${show(value)}, which is a file.`);
  return path;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function file(name, value, refuse) {
  if (value === "-") return value;
  const path = absolute(value);
  const stats = statSync(path, { throwIfNoEntry: false });
  // Pipes and devices are allowed: <(zcat a b), /dev/stdin.
  const found =
    value === "" || !stats ? "does not exist" : stats.isDirectory() ? "is a directory" : undefined;
  if (found)
    refuse(
      `${name} must be a file of JSON or an access log, or - for standard input; got ${show(value)}, which ${found}.`,
    );
  return path;
}

/**
 * A file that is going to be written.
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function newFile(name, value, refuse) {
  if (value.trim() === "") refuse(`${name} must be a file, got ${show(value)}.`);
  const path = absolute(value);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) refuse(`${name} must be a file, got ${show(value)}, which is a folder.`);
  const parent = dirname(path);
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory())
    refuse(
      `${name} must be a file in a folder that exists, got ${show(value)}. To create the folder: mkdir -p ${parent}`,
    );
  return path;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function date(name, value, refuse) {
  const allowed = "a date such as 2026-01-31";
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // JavaScript reads 30 February as 2 March.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== value)
    refuse(`${name} must be ${allowed}, got ${show(value)}.`);
  return value;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {Refuse} refuse
 */
export function jsonObject(name, value, refuse) {
  let parsed;
  try {
    parsed = JSON.parse(value);
  } catch (error) {
    refuse(`${name} must be a JSON object, got ${show(value)}: ${/** @type {Error} */ (error).message}.`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    refuse(`${name} must be a JSON object such as {"fullRepair": true}, got ${show(value)}.`);
  }
  return parsed;
}
