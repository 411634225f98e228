// Runs one check of AWS. A check that gets no answer reports that and does not stop the others.
import { explainAwsError } from "../../stack/aws-errors";
import type { Check } from "./machine.mjs";

export async function guarded(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return { name, state: "unknown", says: explainAwsError(error) ?? (error as Error).message };
  }
}
