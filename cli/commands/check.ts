// npm run check: everything that needs neither Spark nor the emulator.
import { runGroups } from "../checks/run";
import { CHECKS } from "../checks/steps";

export function main(): Promise<number> {
  return runGroups([{ steps: CHECKS, atATime: 2 }], process.stdout);
}
