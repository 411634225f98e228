// Whether credentials and quotas are there, as the doctor asks for them.

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
  const told = (state: string) =>
    checks.filter((check) => check.state === state).map(({ name, says }) => `${name}: ${says}`);
  if (told("bad").length > 0) return unexpected(told("bad").join("; "));
  if (told("unknown").length > 0) return uncheckable(told("unknown").join("; "));
  return seen(told("ok").join("; "));
}
