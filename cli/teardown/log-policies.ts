// Finds what log delivery leaves in CloudWatch Logs: policy statements of the account that let AWS write to log groups.
// Step Functions adds them when a state machine is created, API Gateway when a stage is; nothing removes them.
import { CloudWatchLogsClient, DescribeResourcePoliciesCommand } from "@aws-sdk/client-cloudwatch-logs";
import type { TargetConfig } from "../../stack/target";

interface Statement {
  Resource?: string | string[];
}

interface Document {
  Statement?: Statement | Statement[];
}

/** A log group in a policy, and the command that removes it from the policy and keeps other stacks' statements. */
interface Named {
  id: string;
  remove: string;
}

export async function logPolicies(config: TargetConfig, wanted: (name: string) => boolean): Promise<Named[]> {
  const client = new CloudWatchLogsClient(config);
  const found: Named[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(new DescribeResourcePoliciesCommand({ nextToken }));
    for (const { policyName = "", policyDocument = "" } of page.resourcePolicies ?? []) {
      found.push(...namedIn(policyName, policyDocument, wanted));
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

export function namedIn(policyName: string, text: string, wanted: (name: string) => boolean): Named[] {
  const document = documentOf(text);
  const statements = listOf(document.Statement);
  const ours = statements.flatMap(({ Resource }) => listOf(Resource).filter(wanted));
  if (ours.length === 0) return [];
  const others = statements.flatMap((statement) => {
    const Resource = listOf(statement.Resource).filter((resource) => !wanted(resource));
    return Resource.length === 0 ? [] : [{ ...statement, Resource }];
  });
  const remove =
    others.length === 0
      ? `aws logs delete-resource-policy --policy-name ${policyName}`
      : `aws logs put-resource-policy --policy-name ${policyName} --policy-document '${JSON.stringify({ ...document, Statement: others })}'`;
  return [...new Set(ours)].map((resource) => ({ id: `${policyName}: ${resource}`, remove }));
}

/** A policy that is not JSON names no log group. */
function documentOf(text: string): Document {
  try {
    return JSON.parse(text) as Document;
  } catch {
    return {};
  }
}

function listOf<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}
