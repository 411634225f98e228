// What `pulumi new` and Pulumi's console take from the repository: the template's keys, and the README's outputs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readConfig } from "../infra/config/config";
import { CONFIG_KEYS, type ConfigKey } from "../infra/config/keys";
import { readConfiguration } from "../stack/configuration-files";
import { evaluate } from "./infra/program";

const ROOT = join(__dirname, "..");
const yaml = (file: string) => parse(readFileSync(join(ROOT, file), "utf8"));

interface Template {
  displayName: string;
  description: string;
  config: Record<string, { description: string; default?: string; secret?: boolean }>;
}

describe("template", () => {
  const { template } = yaml("Pulumi.yaml") as { template: Template };

  it("asks for keys that exist, with defaults that are allowed and are text, as the engine wants them", () => {
    assert.ok(template.displayName && template.description);
    const keys: Record<string, ConfigKey> = CONFIG_KEYS;
    for (const [key, { description, default: standard }] of Object.entries(template.config)) {
      assert.ok(description.length > 10, key);
      assert.equal(typeof standard, "string", key);
      if (key.includes(":")) assert.equal(key, "aws:region");
      else assert.notEqual(keys[key]?.check.read(String(standard)), undefined, key);
    }
  });

  it("keeps the committed stacks working under whatever name the new project gets", () => {
    for (const stack of ["dev", "prod"]) {
      const keys = Object.keys(yaml(`Pulumi.${stack}.yaml`).config);
      assert.deepEqual(
        keys.filter((key) => key.includes(":") && !key.startsWith("aws:")),
        [],
        `Pulumi.${stack}.yaml: leave the project's name out of its keys; the engine puts it in`,
      );
      const { project, values } = readConfiguration(ROOT, stack, {});
      readConfig(project, values);
    }
  });

  it("has a README for Pulumi's console whose outputs all exist", async () => {
    const { outputs } = await evaluate();
    const text = String(outputs.readme);
    assert.equal(text, readFileSync(join(ROOT, "Pulumi.README.md"), "utf8"));
    const named = [...text.matchAll(/\$\{([\w.]+)\}/g)].map(([, name = ""]) => name);
    assert.ok(named.includes("outputs.stateMachineConsoleUrl"));
    const known = [...Object.keys(outputs).map((name) => `outputs.${name}`)];
    assert.deepEqual(
      named.filter((name) => !known.includes(name)),
      [],
    );
  });
});
