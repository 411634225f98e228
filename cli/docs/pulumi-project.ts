// The keys in Pulumi.yaml: what the engine checks and `pulumi new` asks, from the list of the configuration's keys.
import { parseDocument } from "yaml";
import { CONFIG_KEYS, type ConfigKey, descriptionOf } from "../../infra/config/keys";

const KEYS: [string, ConfigKey][] = Object.entries(CONFIG_KEYS);

export function pulumiProject(current: string): string {
  // Version 1.1 puts quotes around a text that the engine's reader would take for a time.
  const document = parseDocument(current, { version: "1.1" });
  for (const [key, { question, default: standard }] of KEYS) {
    const path = ["template", "config", key];
    // The engine wants every default of a template as text.
    if (question) document.setIn(path, { description: question, default: String(standard) });
    else document.deleteIn(path);
  }
  document.set("config", Object.fromEntries(KEYS.map(([key, spec]) => [key, declaration(spec)])));
  return document.toString({ lineWidth: 0 });
}

function declaration(spec: ConfigKey) {
  const { check, default: standard } = spec;
  const items = check.type === "array" ? { items: { type: "string" } } : {};
  return { type: check.type, ...items, default: standard, description: descriptionOf(spec) };
}
