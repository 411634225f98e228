// Runs a check of AWS so that one that is not answered says so, and stops no other.
import { awsWords } from "../../stack/aws-errors";
import type { Check } from "./machine.mjs";

export async function guarded(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return { name, state: "unknown", says: awsWords(error) ?? (error as Error).message };
  }
}
