// The tables of the configuration, in the README and in docs/configuration.md, from the list of its keys.
import { CONFIG_KEYS, type ConfigKey } from "../../infra/config/keys";

const KEYS: [string, ConfigKey][] = Object.entries(CONFIG_KEYS);

function shown(value: unknown): string {
  return `\`${typeof value === "object" ? JSON.stringify(value) : String(value ?? "")}\``;
}

/** The README with its table's rows written anew. */
export function readmeDocument(current: string): string {
  const rows = KEYS.map(
    ([key, { check, default: standard, description }]) =>
      `| \`${key}\` | ${check.type} | ${shown(standard)} | ${description} |`,
  );
  const head = "| key | type | default | what it does |\n| --- | --- | --- | --- |\n";
  const from = current.indexOf(head, current.indexOf("## Configuration"));
  if (from < 0) throw new Error("README.md has no table of the configuration under ## Configuration");
  const begin = from + head.length;
  const end = current.indexOf("\n\n", begin);
  return current.slice(0, begin) + rows.join("\n") + current.slice(end);
}

export function configurationDocument(): string {
  const rows = KEYS.map(([key, { check, default: standard, description, example, secret }]) => {
    // Without the project's name, which Pulumi puts in: a project of `pulumi new` has another one.
    const command = example.includes("KEY") ? example.replace("KEY", key) : `${key} ${example}`;
    return `| \`${key}\` | ${check.type}${secret ? ", secret" : ""} | ${cell(check.allowed)} | ${shown(standard)} | ${description} | \`pulumi config set ${cell(command)}\` |`;
  });
  return [
    "# Configuration",
    "",
    "Written by `npm run docs` from `infra/config/keys.ts`; a test fails when it is not current.",
    "",
    "The engine checks a value's type when the program starts; the program then checks ranges, forms and what does not go together, and reports all problems at once, each with the key, what was given, what is allowed and a command that fixes it. A key that the program does not know is a problem, too.",
    "",
    "| key | type | allowed | default | what it does | for example |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
