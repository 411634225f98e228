// Checks credentials and quotas with the doctor's checks.

import { stackConfiguration } from "../../../stack/configuration";
import type { Check } from "../../doctor/machine.mjs";
import { credentialsCheck, quotaChecks } from "../../doctor/stack";
import { seen, uncheckable, unexpected, type Verdict } from "../verdict";
import type { World } from "../world";

export async function quotasSuffice(world: World): Promise<Verdict> {
  return judge([
    await credentialsCheck(world.config, world.outputs),
    ...(await quotaChecks(world.config, stackConfiguration(world.stack))),
  ]);
}

export function judge(checks: readonly Check[]): Verdict {
  const linesOf = (state: string) =>
    checks.filter((check) => check.state === state).map(({ name, says }) => `${name}: ${says}`);
  if (linesOf("bad").length > 0) return unexpected(linesOf("bad").join("; "));
  if (linesOf("unknown").length > 0) return uncheckable(linesOf("unknown").join("; "));
  return seen(linesOf("ok").join("; "));
}
