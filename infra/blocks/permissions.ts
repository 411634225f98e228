// IAM statements as sentences, `allow("s3:PutObject").on(arn)`, and the documents made of them.

import * as pulumi from "@pulumi/pulumi";

export type Condition = Record<string, Record<string, pulumi.Input<string> | pulumi.Input<string>[]>>;

export interface Statement {
  Sid?: string;
  Effect: "Allow";
  Action: string[];
  Resource: pulumi.Input<string>[];
  Condition?: Condition;
}

/** Sid of statements with actions that AWS cannot limit to a resource, which explains their "*". */
export const NO_RESOURCE_LEVEL = "AwsHasNoResourceLevelForThese";

export function allow(...actions: string[]) {
  const wildcard = actions.find((action) => action.includes("*"));
  if (wildcard) throw new Error(`Name the actions instead of the wildcard ${wildcard}.`);
  return permission(actions);
}

function permission(actions: string[], condition?: Condition) {
  const statement = (resources: pulumi.Input<string>[], sid?: string): Statement => ({
    ...(sid && { Sid: sid }),
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(condition && { Condition: condition }),
  });
  return {
    when: (added: Condition) => permission(actions, { ...condition, ...added }),
    on(...resources: pulumi.Input<string>[]): Statement {
      if (resources.length === 0) throw new Error(`${actions.join(", ")}: say on which resource.`);
      if (resources.includes("*")) throw new Error(`${actions.join(", ")}: use onEveryResource() for "*".`);
      return statement(resources);
    },
    /** Only for actions for which AWS has no resource-level permission. */
    onEveryResource: (): Statement => statement(["*"], NO_RESOURCE_LEVEL),
  };
}

export function policyDocument(statements: Statement[]): pulumi.Output<string> {
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: withUniqueSids(statements) });
}

/** IAM refuses a policy that has a Sid twice, so the second one and later ones get a number. */
function withUniqueSids(statements: Statement[]): Statement[] {
  const seen = new Map<string, number>();
  return statements.map((statement) => {
    if (!statement.Sid) return statement;
    const count = (seen.get(statement.Sid) ?? 0) + 1;
    seen.set(statement.Sid, count);
    return count === 1 ? statement : { ...statement, Sid: `${statement.Sid}${count}` };
  });
}

/**
 * One service may assume the role, only for this account (against the confused deputy) and, if given, only for resources
 * whose ARN is like `sourceArn`. AWS documents that these services send the ARN. For the other services nothing is
 * documented: if one sends an account, it must be this one; if it sends none, it may assume the role.
 */
export function trustPolicy(
  service: string,
  accountId: pulumi.Input<string>,
  sourceArn?: pulumi.Input<string>,
): pulumi.Output<string> {
  return pulumi.jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { Service: service },
        Condition: sourceArn
          ? {
              StringEquals: { "aws:SourceAccount": accountId },
              ArnLike: { "aws:SourceArn": sourceArn },
            }
          : { StringEqualsIfExists: { "aws:SourceAccount": accountId } },
      },
    ],
  });
}
