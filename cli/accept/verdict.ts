// The result of a check: one of three states, and a sentence that quotes AWS where possible.

export type State = "seen" | "not as expected" | "not checkable by a program";

export interface Verdict {
  state: State;
  says: string;
}

export function seen(says: string): Verdict {
  return { state: "seen", says };
}

export function unexpected(says: string): Verdict {
  return { state: "not as expected", says };
}

/** Nothing was checked, or AWS denied the look-up. Never a success. */
export function uncheckable(says: string): Verdict {
  return { state: "not checkable by a program", says };
}
