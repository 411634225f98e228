// npm test: every check and every test, with one sum at the end.
import { CHECKS, runSteps, TESTS } from "../checks/steps";

export function main(): Promise<number> {
  return runSteps([...CHECKS, ...TESTS], process.stdout);
}
