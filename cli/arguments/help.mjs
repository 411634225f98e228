// The text that --help prints.
/** @import { Command } from "./types.js" */

/** @param {Command} command */
export function helpText(command) {
  const rows = Object.entries(command.options).map(([key, option]) => [
    `--${key}${option.type === "string" ? ` ${option.value}` : ""}`,
    option.help,
  ]);
  rows.push(["--help", "show this help"]);
  const width = Math.max(...rows.map(([left = ""]) => left.length));
  return [
    `Usage: ${command.usage}`,
    "",
    command.about,
    "",
    "Options:",
    ...rows.map(([left = "", right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    "Examples:",
    ...command.examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}
