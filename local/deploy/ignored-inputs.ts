// Finds the inputs of a resource that the local stack ignores, so that each is reported.
import type { Handler, Properties } from "./resource";

/** An input without effect on the local stack. */
export interface IgnoredInput {
  type: string;
  resource: string;
  input: string;
  reason: string;
}

const UNKNOWN_INPUT = "not known to the local stack";

export function findIgnoredInputs(
  type: string,
  resource: string,
  inputs: Properties,
  handler: Handler,
): IgnoredInput[] {
  const ineffective = Object.entries(handler.ineffective ?? {});
  const found = new Map<string, string>();
  for (const path of leafPaths(inputs, "")) {
    const known = ineffective.find(([input]) => covers(input, path));
    if (known) found.set(known[0], known[1]);
    else if (!handler.honours.some((input) => covers(input, path))) found.set(path, UNKNOWN_INPUT);
  }
  return [...found].map(([input, reason]) => ({ type, resource, input, reason }));
}

/** One line per reason, with its inputs: "reason: Function architectures (3), Job workerType". */
export function groupIgnoredInputs(all: readonly IgnoredInput[]): string[] {
  const reasons = new Map<string, Map<string, number>>();
  for (const { type, input, reason } of all) {
    const inputs = reasons.get(reason) ?? new Map<string, number>();
    const name = `${type.split(":").at(-1)} ${input}`;
    reasons.set(reason, inputs.set(name, (inputs.get(name) ?? 0) + 1));
  }
  return [...reasons].map(([reason, inputs]) => {
    const names = [...inputs].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
    return `${reason}: ${names.join(", ")}`;
  });
}

/** One line per resource and input, for the log. */
export function listIgnoredInputs(all: readonly IgnoredInput[]): string[] {
  return all.map(({ type, resource, input, reason }) => `${resource} (${type}) ${input}: ${reason}`);
}

function covers(input: string, path: string): boolean {
  return path === input || path.startsWith(`${input}.`);
}

/** Paths of all inputs that are set. A list has the paths of its members. */
function leafPaths(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    const members = value.flatMap((member) => leafPaths(member, path));
    return members.length > 0 ? members : [path];
  }
  if (!isPlainObject(value)) return [path];
  const keys = Object.entries(value);
  if (keys.length === 0) return path === "" ? [] : [path];
  return keys.flatMap(([key, member]) => leafPaths(member, path === "" ? key : `${path}.${key}`));
}

/** Assets and archives count as values. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
