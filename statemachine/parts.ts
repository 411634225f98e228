// Merges parts, which only some stacks have, into the template of the state machine: their states, and the way to them.

interface Choice {
  Condition: string;
  Next: string;
}

interface State {
  Next?: string;
  Default?: string;
  Choices?: Choice[];
  Catch?: (string | { Next?: string })[];
  Assign?: Record<string, unknown>;
}

interface Definition {
  StartAt: string;
  States: Record<string, State>;
}

/**
 * What a file in parts/ can say. All but `Comment` is optional.
 * - `States`: states to add.
 * - `Remove`: states to remove. Nothing that remains may lead to them.
 * - `Reroute`: transitions to point elsewhere. Each names the state, where it leads now, and where it is to lead.
 *   It changes Next, Default and the Next of choices and catchers, wherever they lead there now.
 * - `Choices`: choices to put before those that a Choice state has.
 * - `Assign`: variables to add to what a state assigns.
 */
interface Part {
  Comment: string;
  States?: Record<string, State>;
  Remove?: string[];
  Reroute?: { State: string; From: string; To: string }[];
  Choices?: Record<string, Choice[]>;
  Assign?: Record<string, Record<string, unknown>>;
}

/** A part does not fit the template, or not the parts before it. */
class PartError extends Error {
  override name = "PartError";
}

/** The template with all parts, as JSON text. `parts` has the name and the text of each. */
export function withParts(template: string, parts: [name: string, text: string][]): string {
  if (parts.length === 0) return template;
  const definition = JSON.parse(template) as Definition;
  for (const [name, text] of parts) merge(definition, name, JSON.parse(text) as Part);
  return JSON.stringify(definition);
}

function merge(definition: Definition, part: string, content: Part): void {
  const {
    Comment: _,
    States = {},
    Remove = [],
    Reroute = [],
    Choices = {},
    Assign = {},
    ...unknown
  } = content;
  const fail = (problem: string): never => {
    throw new PartError(`The part ${part} of the state machine ${problem}.`);
  };
  const state = (name: string): State =>
    definition.States[name] ?? fail(`names the state ${name}, which does not exist`);

  for (const key of Object.keys(unknown)) fail(`has ${key}, which no part can have`);
  for (const [name, added] of Object.entries(States)) {
    if (definition.States[name]) fail(`adds the state ${name}, which exists already`);
    definition.States[name] = added;
  }
  for (const { State: name, From, To } of Reroute) {
    if (reroute(state(name), From, To) === 0) fail(`reroutes ${name}, which does not lead to ${From}`);
  }
  for (const [name, added] of Object.entries(Choices)) {
    const present = state(name).Choices ?? fail(`adds choices to ${name}, which is no Choice state`);
    present.unshift(...added);
  }
  for (const [name, variables] of Object.entries(Assign)) {
    const target = state(name);
    const taken = Object.keys(variables).find((variable) => variable in (target.Assign ?? {}));
    if (taken) fail(`assigns ${taken} in ${name}, which assigns it already`);
    target.Assign = { ...target.Assign, ...variables };
  }
  for (const name of Remove) {
    state(name);
    delete definition.States[name];
  }
  checkTransitions(definition, fail);
}

/** Points a state's transitions to `from` to `to`. Returns how many there were. */
function reroute(state: State, from: string, to: string): number {
  let count = 0;
  const point = <K extends string>(holder: { [key in K]?: string }, key: K) => {
    if (holder[key] !== from) return;
    holder[key] = to;
    count += 1;
  };
  point(state, "Next");
  point(state, "Default");
  for (const holder of [...(state.Choices ?? []), ...catchers(state)]) point(holder, "Next");
  return count;
}

/** AWS refuses a definition with a transition to nowhere, or with a state that nothing leads to. */
function checkTransitions(definition: Definition, fail: (problem: string) => never): void {
  const reached = new Set([definition.StartAt, ...FRAGMENTS_LEAD_TO]);
  for (const [name, state] of Object.entries(definition.States)) {
    const holders = [state, ...(state.Choices ?? []), ...catchers(state)];
    for (const next of [state.Default, ...holders.map((holder) => holder.Next)]) {
      if (!next) continue;
      if (!definition.States[next]) fail(`leaves ${name} leading to ${next}, which does not exist`);
      reached.add(next);
    }
  }
  for (const name of Object.keys(definition.States)) {
    if (!reached.has(name)) fail(`leaves nothing that leads to ${name}`);
  }
}

/** The catchers that are written in the state, not those that come from a fragment. */
function catchers(state: State): { Next?: string }[] {
  return Array.isArray(state.Catch) ? state.Catch.filter((item) => typeof item !== "string") : [];
}

/** The states that catchers in fragments/ lead to. */
const FRAGMENTS_LEAD_TO = ["ExplainFailure", "RepairAllPartitions"];
