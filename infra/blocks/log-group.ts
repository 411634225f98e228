// Log groups that belong to the stack, so that they have a retention and are deleted with it.

import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { CustomerKey } from "./encryption";
import { qualifiedName } from "./names";

export interface LogGroupArgs {
  /** Last part of the name; the stack's name comes before it. */
  path: string;
  /** The prefix that the service requires, e.g. `/aws/vendedlogs/states`. */
  root?: string;
  retentionDays: number;
  /** Without it CloudWatch encrypts with its own key. */
  key?: CustomerKey;
}

export function logGroup(
  name: string,
  { path, root = "", retentionDays, key }: LogGroupArgs,
  opts: pulumi.CustomResourceOptions,
): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup(
    `${name}-log`,
    {
      name: `${root}/${qualifiedName()}/${path}`,
      retentionInDays: retentionDays,
      ...(key && { kmsKeyId: key.arn }),
    },
    opts,
  );
}
