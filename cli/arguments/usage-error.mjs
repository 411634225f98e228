// The error for wrong arguments.
/** @import { Command } from "./types.js" */

/** Wrong arguments: the message names the argument, what was given and what is allowed. */
export class UsageError extends Error {
  exitCode = 2;
}

/**
 * @param {Command} command
 * @param {string} message
 * @returns {never}
 */
export function fail(command, message) {
  throw new UsageError(`${message}\nUsage: ${command.usage}   (--help shows all options)`);
}
