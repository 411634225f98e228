// X-Ray tracing: the permissions of a role whose service sends traces; none if tracing is off.

import { allow, type Statement } from "./permissions";

/** A function's own segments; X-Ray has no resource-level permissions. */
export function mayTraceFunction(tracing: boolean): Statement[] {
  return tracing ? [allow("xray:PutTraceSegments", "xray:PutTelemetryRecords").onEveryResource()] : [];
}

/** A state machine also asks for the sampling rules, as it decides itself which executions it traces. */
export function mayTraceExecutions(tracing: boolean): Statement[] {
  if (!tracing) return [];
  return [
    allow(
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
    ).onEveryResource(),
  ];
}
