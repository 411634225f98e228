// The AWS SDK clients that steps and checks use, for AWS or for the local stack.
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { XRayClient } from "@aws-sdk/client-xray";
import { makeClients } from "../../local/deploy/clients";
import type { TargetConfig } from "../../stack/target";

export type Clients = ReturnType<typeof clientsOf>;

export function clientsOf(config: TargetConfig) {
  return {
    ...makeClients(config),
    cloudtrail: new CloudTrailClient(config),
    tagging: new ResourceGroupsTaggingAPIClient(config),
    xray: new XRayClient(config),
  };
}
