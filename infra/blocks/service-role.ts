// A role that one AWS service may assume, with just the permissions it is given.

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
   * What the service assumes it for, where AWS documents that the service says so: Step Functions a state machine,
   * Scheduler a schedule group. For Lambda and Glue it documents none: see trustPolicy.
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
        // By the path the stack's roles are told from all others, e.g. in the policy of whoever deploys it.
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
