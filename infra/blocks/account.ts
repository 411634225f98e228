// The account, region and partition that the stack is deployed to, and the console's addresses there.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface Account {
  accountId: pulumi.Output<string>;
  region: pulumi.Output<string>;
  partition: pulumi.Output<string>;
  /** Suffix of the names of regional services: amazonaws.com, in China amazonaws.com.cn. */
  dnsSuffix: pulumi.Output<string>;
}

export function currentAccount(): Account {
  const { partition, dnsSuffix } = aws.getPartitionOutput();
  return {
    accountId: aws.getCallerIdentityOutput().accountId,
    region: aws.getRegionOutput().region,
    partition,
    dnsSuffix,
  };
}

/** `arn:<partition>:<service>:<region>:<account>:<resource>` of this account and region. */
export function arnOf(service: string, resource: pulumi.Input<string>): pulumi.Output<string> {
  const { accountId, region, partition } = currentAccount();
  return pulumi.interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}

/** What Glue asks for the rights on tables of a database: it checks the catalog, the database and the table. */
export function tableArns(database: string, ...tables: string[]): pulumi.Output<string>[] {
  return [
    arnOf("glue", "catalog"),
    arnOf("glue", `database/${database}`),
    ...tables.map((table) => arnOf("glue", `table/${database}/${table}`)),
  ];
}

/** The console's host by partition, after the region. */
const CONSOLES: Record<string, string> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

export function consoleHost(partition: string): string {
  return CONSOLES[partition] ?? "console.aws.amazon.com";
}

/** Address of a page in the AWS console; `page` is what follows the region, e.g. `/athena/home`. */
export function consoleUrl(service: string, fragment: pulumi.Input<string>): pulumi.Output<string> {
  const { region, partition } = currentAccount();
  const host = partition.apply(consoleHost);
  return pulumi.interpolate`https://${region}.${host}/${service}/home?region=${region}#${fragment}`;
}
