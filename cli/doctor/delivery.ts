// Checks whether the stack's delivery stream takes records.
import { DescribeDeliveryStreamCommand, FirehoseClient } from "@aws-sdk/client-firehose";
import type { TargetConfig } from "../../stack/target";
import type { Check } from "./machine.mjs";

export async function deliveryCheck(config: TargetConfig, DeliveryStreamName: string): Promise<Check> {
  const name = "Delivery stream";
  const { DeliveryStreamDescription: stream } = await new FirehoseClient(config).send(
    new DescribeDeliveryStreamCommand({ DeliveryStreamName }),
  );
  const { DeliveryStreamStatus: status, FailureDescription: failure } = stream ?? {};
  if (status === "ACTIVE") return { name, state: "ok", says: "ACTIVE" };
  if (status === "CREATING") {
    return { name, state: "unknown", says: "the delivery stream is CREATING; check again in a few minutes" };
  }
  const why = failure === undefined ? "" : `: ${failure.Type}: ${failure.Details}`;
  return {
    name,
    state: "bad",
    says: `the delivery stream is ${status}${why}`,
    remedy: "pulumi up --refresh",
  };
}
