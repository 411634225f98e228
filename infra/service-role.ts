// A role that one AWS service may assume, with just the permissions it is given.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "./account";
import { policyDocument, type Statement, trustPolicy } from "./permissions";

export interface ServiceRoleArgs {
  /** The service principal, e.g. `lambda.amazonaws.com`. */
  service: string;
  description: string;
  permissions: Statement[];
}

export class ServiceRole extends pulumi.ComponentResource {
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: ServiceRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:ServiceRole", name, {}, opts);
    const role = new aws.iam.Role(
      name,
      {
        description: args.description,
        assumeRolePolicy: trustPolicy(args.service, currentAccount().accountId),
      },
      { parent: this },
    );
    new aws.iam.RolePolicy(
      name,
      { role: role.name, policy: policyDocument(args.permissions) },
      { parent: this },
    );
    this.arn = role.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
