// The account, region and partition that the stack is deployed to, and the console's addresses there.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface Account {
  accountId: pulumi.Output<string>;
  region: pulumi.Output<string>;
  partition: pulumi.Output<string>;
}

export function currentAccount(): Account {
  return {
    accountId: aws.getCallerIdentityOutput().accountId,
    region: aws.getRegionOutput().region,
    partition: aws.getPartitionOutput().partition,
  };
}

/** `arn:aws:<service>:<region>:<account>:<resource>` of this account and region. */
export function arnOf(service: string, resource: pulumi.Input<string>): pulumi.Output<string> {
  const { accountId, region, partition } = currentAccount();
  return pulumi.interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}

const CONSOLES: Record<string, string> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

/** Address of a page in the AWS console; `page` is what follows the region, e.g. `/athena/home`. */
export function consoleUrl(service: string, fragment: pulumi.Input<string>): pulumi.Output<string> {
  const { region, partition } = currentAccount();
  const host = partition.apply((name) => CONSOLES[name] ?? "console.aws.amazon.com");
  return pulumi.interpolate`https://${region}.${host}/${service}/home?region=${region}#${fragment}`;
}
