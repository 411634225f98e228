// npm test: every check and every test, with one sum at the end.
import { runGroups } from "../checks/run";
import { CHECKS, COVERED, END_TO_END, TESTS } from "../checks/steps";

export function main(): Promise<number> {
  return runGroups(
    [
      { steps: CHECKS, atATime: 2, coverage: true },
      { steps: TESTS, atATime: 2, coverage: true },
      { steps: END_TO_END, atATime: 1 },
      { steps: COVERED, atATime: 2 },
    ],
    process.stdout,
  );
}
