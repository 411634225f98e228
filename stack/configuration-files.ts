// Reads a stack's configuration as the Pulumi engine would pass it to the program: the defaults of Pulumi.yaml, then
// Pulumi.<stack>.yaml, then overrides.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface ProjectConfiguration {
  project: string;
  /** By full key, such as `clickstream:shardCount`. Lists and objects are JSON text. */
  values: Record<string, string>;
}

interface Declaration {
  type?: string;
  default?: unknown;
  value?: unknown;
}

/** `standIn` replaces encrypted values, which only Pulumi can read. Without it they are an error. */
export function readConfiguration(
  root: string,
  stack: string,
  overrides: Record<string, unknown>,
  standIn?: string,
): ProjectConfiguration {
  const project = readYaml(join(root, "Pulumi.yaml"));
  const name = String(project.name);
  const values: Record<string, string> = {};
  for (const [key, declaration] of Object.entries(project.config ?? {})) {
    const value = defaultOf(declaration);
    if (value !== undefined) values[qualified(key, name)] = asText(value);
  }
  const stackFile = `Pulumi.${stack}.yaml`;
  for (const [key, value] of Object.entries(readYaml(join(root, stackFile)).config ?? {})) {
    if (isEncrypted(value) && standIn !== undefined) values[qualified(key, name)] = standIn;
    else if (isEncrypted(value) && !(qualified(key, name) in overrides)) {
      throw new Error(
        `${stackFile}: ${key} is encrypted, and only Pulumi can read it; set a value for the local stack`,
      );
    }
    if (!isEncrypted(value)) values[qualified(key, name)] = asText(value);
  }
  for (const [key, value] of Object.entries(overrides)) {
    const full = qualified(key, name);
    if (value === undefined) delete values[full];
    else values[full] = asText(value);
  }
  return { project: name, values };
}

export function projectName(root: string): string {
  return String(readYaml(join(root, "Pulumi.yaml")).name);
}

interface Yaml {
  name?: unknown;
  config?: Record<string, unknown>;
}

function readYaml(path: string): Yaml {
  if (!existsSync(path)) throw new Error(`${path} is missing: restore it from the repository`);
  return (parse(readFileSync(path, "utf8")) ?? {}) as Yaml;
}

function defaultOf(declaration: unknown): unknown {
  if (typeof declaration !== "object" || declaration === null) return declaration;
  const { default: standard, value } = declaration as Declaration;
  return value ?? standard;
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

function qualified(key: string, project: string): string {
  return key.includes(":") ? key : `${project}:${key}`;
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
