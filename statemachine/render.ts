// Renders the state machine's definition: replaces `${...}` by fragments, JSONata files and the stack's values.

import { readFileSync } from "node:fs";
import * as path from "node:path";

/** Values by placeholder name. A number replaces the quoted placeholder as a number. */
export type PipelineValues = Record<string, string | number>;

/** What several states share, such as Retry and Catch: JSON that replaces the whole placeholder. */
const FRAGMENTS = "fragments/";
/** The members of the fragment under this name go into the object around it. */
const SPREAD = "...";

/** A placeholder without a value, a value that nothing uses, or a JSONata file that is not there. */
class RenderError extends Error {
  override name = "RenderError";
}

export function renderPipeline(values: PipelineValues): string {
  const template = readFileSync(path.join(__dirname, "pipeline.asl.json"), "utf8");
  return render(template, values, (name) => {
    const suffix = name.startsWith(FRAGMENTS) ? "json" : "jsonata";
    return readFileSync(path.join(__dirname, `${name}.${suffix}`), "utf8");
  });
}

/**
 * `${Name}` is a value; `${folder/file}` is a JSONata file, which may hold values and files itself; `${fragments/file}`
 * is JSON, which may hold fragments itself. A fragment that is a list takes its place in a list item by item; one
 * that is an object, under the name "...", takes its place in an object member by member.
 * The result is JSON without white space: AWS limits a definition's size.
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
  // Within JSONata a value is inside a string literal. A file may include other files.
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

/** A catcher of several lists of errors is one for each: States.ALL has to be alone in its list. */
function oneForEachList(item: unknown): unknown[] {
  const lists = (item as { ErrorEquals?: unknown } | null)?.ErrorEquals;
  if (!Array.isArray(lists) || !lists.every(Array.isArray)) return [item];
  return lists.map((ErrorEquals) => ({ ...(item as object), ErrorEquals }));
}

function fragmentName(value: unknown): string | undefined {
  const name = typeof value === "string" ? /^\$\{([\w/-]+)\}$/.exec(value)?.[1] : undefined;
  return name?.startsWith(FRAGMENTS) ? name : undefined;
}

/** A JSONata file on one line, without its first comment. Its strings have no line ends. */
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

/** The value, escaped for the inside of a JSONata string. */
function inLiteral(value: string | number): string {
  return JSON.stringify(String(value)).slice(1, -1);
}

function replaceAll(text: string, replacement: (name: string) => string): string {
  return text.replace(/\$\{([\w/-]+)\}/g, (_, name: string) => replacement(name));
}

function check(missing: Set<string>, unused: string[]): void {
  const problems = [
    ...[...missing].map((name) => `\${${name}} has no value`),
    ...unused.map((name) => `the value ${name} is used nowhere`),
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
