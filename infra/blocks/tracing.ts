// X-Ray tracing: what a role needs so that its service can send traces; nothing where tracing is off.

import { allow, type Statement } from "./permissions";

/** A function's own segments; X-Ray knows no resources. */
export function mayTraceFunction(tracing: boolean): Statement[] {
  return tracing ? [allow("xray:PutTraceSegments", "xray:PutTelemetryRecords").onEveryResource()] : [];
}

/** A state machine decides itself which executions are sampled, and asks for the rules. */
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
