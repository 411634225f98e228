// Renders the definition of the state machine: replaces `${...}` with fragments, JSONata files and values of the stack.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import { withParts } from "./parts";

/** Values by placeholder name. A number replaces the quoted placeholder as a number. */
export type PipelineValues = Record<string, string | number>;

/** JSON that several states share, such as Retry and Catch. It replaces the whole placeholder. */
const FRAGMENTS = "fragments/";
/** A fragment under this name is merged into the surrounding object. */
const SPREAD = "...";

/** A placeholder has no value, a value is not used, or a JSONata file is missing. */
class RenderError extends Error {
  override name = "RenderError";
}

/** `parts` names the files of parts/ that this stack's state machine has as well, in the order in which they are merged. */
export function renderPipeline(values: PipelineValues, parts: readonly string[] = []): string {
  const template = readFileSync(path.join(__dirname, "pipeline.asl.json"), "utf8");
  const merged = withParts(
    template,
    parts.map((name) => [name, readFileSync(path.join(__dirname, "parts", `${name}.json`), "utf8")]),
  );
  return render(merged, values, (name) => {
    const suffix = name.startsWith(FRAGMENTS) ? "json" : "jsonata";
    return readFileSync(path.join(__dirname, `${name}.${suffix}`), "utf8");
  });
}

/**
 * `${Name}` is a value. `${folder/file}` is a JSONata file, which can contain values and other files.
 * `${fragments/file}` is JSON, which can contain other fragments. If a fragment is a list, its items are inserted
 * into the surrounding list. If it is an object under the name "...", its members are merged into the surrounding
 * object. The result is JSON without white space, because AWS limits the size of a definition.
 */
export function render(template: string, values: PipelineValues, read: (name: string) => string): string {
  const used = new Set<string>();
  const missing = new Set<string>();
  const take = (name: string): string | number => {
    used.add(name);
    const value = values[name];
    if (value === undefined) missing.add(name);
    return value ?? "";
  };
  // In JSONata, a value is inside a string literal. A file can include other files.
  const inJsonata = (text: string): string =>
    replaceAll(text, (name) =>
      name.includes("/") ? inJsonata(expression(name, read)) : inLiteral(take(name)),
    );
  const rendered = mapStrings(withFragments(JSON.parse(template), read), (text) => {
    const whole = /^\$\{(\w+)\}$/.exec(text)?.[1];
    if (whole) return take(whole);
    return text.startsWith("{%") ? inJsonata(text) : replaceAll(text, (name) => String(take(name)));
  });
  check(
    missing,
    Object.keys(values).filter((name) => !used.has(name)),
  );
  return JSON.stringify(rendered);
}

function withFragments(value: unknown, read: (name: string) => string): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      const filled = withFragments(item, read);
      return fragmentName(item) && Array.isArray(filled) ? filled : oneForEachList(filled);
    });
  }
  const name = fragmentName(value);
  if (name) return withFragments(JSON.parse(file(name, read)), read);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const filled = withFragments(item, read);
      return key === SPREAD ? Object.entries(filled as object) : [[key, filled]];
    }),
  );
}

/** Splits a catcher with several error lists into one catcher per list, because States.ALL must be alone in its list. */
function oneForEachList(item: unknown): unknown[] {
  const lists = (item as { ErrorEquals?: unknown } | null)?.ErrorEquals;
  if (!Array.isArray(lists) || !lists.every(Array.isArray)) return [item];
  return lists.map((ErrorEquals) => ({ ...(item as object), ErrorEquals }));
}

function fragmentName(value: unknown): string | undefined {
  const name = typeof value === "string" ? /^\$\{([\w/-]+)\}$/.exec(value)?.[1] : undefined;
  return name?.startsWith(FRAGMENTS) ? name : undefined;
}

/** A JSONata file on one line, without its first comment. Its strings contain no newlines. */
function expression(name: string, read: (name: string) => string): string {
  return file(name, read)
    .replace(/^\s*\/\*[\s\S]*?\*\//, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
}

function file(name: string, read: (name: string) => string): string {
  try {
    return read(name);
  } catch (error) {
    throw new RenderError(`The state machine uses \${${name}}, but ${name} cannot be read: ${error}`);
  }
}

/** The value, escaped for a JSONata string. */
function inLiteral(value: string | number): string {
  return JSON.stringify(String(value)).slice(1, -1);
}

function replaceAll(text: string, replacement: (name: string) => string): string {
  return text.replace(/\$\{([\w/-]+)\}/g, (_, name: string) => replacement(name));
}

function check(missing: Set<string>, unused: string[]): void {
  const problems = [
    ...[...missing].map((name) => `\${${name}} has no value`),
    ...unused.map((name) => `the value ${name} is not used`),
  ];
  if (problems.length > 0) {
    throw new RenderError(`The state machine cannot be rendered: ${problems.join("; ")}.`);
  }
}

function mapStrings(value: unknown, map: (text: string) => string | number): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
  }
  return value;
}
