// Which resource types can have tags, as the provider's own declarations say.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";

const PROVIDER = path.dirname(createRequire(__filename).resolve("@pulumi/aws/package.json"));

/** Whether the provider's declaration of a type, e.g. `aws:sns/topic:Topic`, has the output of all its tags. */
export function taggable(type: string): boolean {
  const [, file = ""] = type.split(":");
  return /readonly tagsAll\b/.test(readFileSync(path.join(PROVIDER, `${file}.d.ts`), "utf8"));
}
