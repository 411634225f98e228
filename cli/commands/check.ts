// npm run check: everything that needs neither Spark nor the emulator.
import { runGroups } from "../checks/run";
import { CHECKS } from "../checks/steps";

export function main(): Promise<number> {
  // What the tests cover is measured by npm test: here it would cost time.
  const steps = CHECKS.map(({ env, ...step }) => step);
  return runGroups([{ steps, atATime: 2 }], process.stdout);
}
