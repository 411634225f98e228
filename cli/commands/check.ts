// npm run check: types and lint, without any test.
import { CHECKS, runSteps } from "../checks/steps";

export function main(): Promise<number> {
  return runSteps(CHECKS, process.stdout);
}
