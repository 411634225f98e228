// What a check answers: one of three words for machines and people, and a sentence in AWS's own words where there are any.

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

/** Nothing was looked at, or AWS did not let us look: never a success. */
export function uncheckable(says: string): Verdict {
  return { state: "not checkable by a program", says };
}
