// npm run check: everything that needs neither Spark nor the emulator.
import { runGroups } from "../checks/run";
import { CHECKS } from "../checks/steps";

export function main(): Promise<number> {
  // Three at a time on two cores: some of them mostly wait for programs that they start.
  return runGroups([{ steps: CHECKS, atATime: 3 }], process.stdout);
}
