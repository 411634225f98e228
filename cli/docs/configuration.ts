// The tables of the configuration, in the README and in docs/configuration.md, from the list of its keys.
import { CONFIG_KEYS, type ConfigKey, descriptionOf } from "../../infra/config/keys";

const KEYS: [string, ConfigKey][] = Object.entries(CONFIG_KEYS);

function shown(value: unknown): string {
  return `\`${typeof value === "object" ? JSON.stringify(value) : String(value ?? "")}\``;
}

/** The README with the current rows in its table. */
export function readmeDocument(current: string): string {
  const rows = KEYS.map(
    ([key, spec]) => `| \`${key}\` | ${spec.check.type} | ${shown(spec.default)} | ${descriptionOf(spec)} |`,
  );
  const head = "| key | type | default | what it does |\n| --- | --- | --- | --- |\n";
  const from = current.indexOf(head, current.indexOf("## Configuration"));
  if (from < 0) throw new Error("README.md has no table of the configuration under ## Configuration");
  const begin = from + head.length;
  const end = current.indexOf("\n\n", begin);
  return current.slice(0, begin) + rows.join("\n") + current.slice(end);
}

export function configurationDocument(): string {
  const rows = KEYS.map(([key, spec]) => {
    const { check, default: standard, example, secret } = spec;
    // Without the project's name, which Pulumi adds: a project of `pulumi new` has another one.
    const command = example.includes("KEY") ? example.replace("KEY", key) : `${key} ${example}`;
    return `| \`${key}\` | ${check.type}${secret ? ", secret" : ""} | ${cell(check.allowed).replaceAll(/https:\/\/[\w.]+/g, "`$&`")} | ${shown(standard)} | ${descriptionOf(spec)} | \`pulumi config set ${cell(command)}\` |`;
  });
  return [
    "# Configuration",
    "",
    "Written by `npm run docs` from `infra/config/keys.ts`; a test fails if it is not current.",
    "",
    "Pulumi checks the type of each value first, and stops at the first wrong one. The program then checks ranges, forms and combinations, and reports all problems at once. Each report has the key, the value, what is allowed and a command that fixes it. A key that the program does not know is a problem, too.",
    "",
    "| key | type | allowed | default | what it does | example |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** A `|` would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
