// A role that one AWS service may assume, with the given permissions only.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "./account";
import { qualifiedName } from "./names";
import { policyDocument, type Statement, trustPolicy } from "./permissions";

export interface ServiceRoleArgs {
  /** The service principal, e.g. `lambda.amazonaws.com`. */
  service: string;
  description: string;
  /**
   * The resource for which the service assumes the role, if AWS documents that the service sends it: a state machine for
   * Step Functions, a schedule group for Scheduler. For Lambda and Glue AWS documents nothing: see trustPolicy.
   */
  sourceArn?: pulumi.Input<string>;
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
        // The path identifies the stack's roles, e.g. in the deployer's policy.
        path: `/${qualifiedName()}/`,
        assumeRolePolicy: trustPolicy(args.service, currentAccount().accountId, args.sourceArn),
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
