// The tables of the configuration, in the README and in docs/configuration.md, from Pulumi.yaml and the checks.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CONFIG_KEYS, type ConfigKey } from "../../infra/config/keys";
import { PROJECT_ROOT } from "../../stack/runs";

interface Declaration {
  type: string;
  default?: unknown;
  description: string;
}

function declarations(): [string, Declaration, ConfigKey][] {
  const { config } = parse(readFileSync(join(PROJECT_ROOT, "Pulumi.yaml"), "utf8")) as {
    config: Record<string, Declaration>;
  };
  const specs: Record<string, ConfigKey> = CONFIG_KEYS;
  return Object.entries(config).flatMap(([key, declared]) => {
    const spec = specs[key];
    return spec === undefined ? [] : [[key, declared, spec] as [string, Declaration, ConfigKey]];
  });
}

function shown(value: unknown): string {
  return `\`${typeof value === "object" ? JSON.stringify(value) : String(value ?? "")}\``;
}

/** The README with its table's rows written anew. */
export function readmeDocument(current: string): string {
  const rows = declarations().map(
    ([key, declared]) =>
      `| \`${key}\` | ${declared.type} | ${shown(declared.default)} | ${declared.description} |`,
  );
  const head = "| key | type | default | what it does |\n| --- | --- | --- | --- |\n";
  const from = current.indexOf(head, current.indexOf("## Configuration"));
  if (from < 0) throw new Error("README.md has no table of the configuration under ## Configuration");
  const begin = from + head.length;
  const end = current.indexOf("\n\n", begin);
  return current.slice(0, begin) + rows.join("\n") + current.slice(end);
}

export function configurationDocument(): string {
  const rows = declarations().map(([key, declared, { check, example, secret }]) => {
    // Without the project's name, which Pulumi puts in: a project of `pulumi new` has another one.
    const command = example.includes("KEY") ? example.replace("KEY", key) : `${key} ${example}`;
    return `| \`${key}\` | ${declared.type}${secret ? ", secret" : ""} | ${cell(check.allowed)} | ${shown(declared.default)} | ${declared.description} | \`pulumi config set ${cell(command)}\` |`;
  });
  return [
    "# Configuration",
    "",
    "Written by `npm run docs` from `infra/config/keys.ts` and `Pulumi.yaml`; a test fails when it is not current.",
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
