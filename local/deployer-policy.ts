// The policies of a deploying role: infra/deployer-policy.json with a stack's names filled in, split so that IAM takes each part.
import { createHash } from "node:crypto";
import template from "../infra/deployer-policy.json";
import { databaseName, qualifiedName } from "../infra/names";

/** What a customer managed policy may hold. IAM does not count white space. */
export const POLICY_CHARACTERS = 6144;
const POLICY_NAME_CHARACTERS = 128;

export interface Deployment {
  project: string;
  stack: string;
  region: string;
  accountId: string;
  partition: string;
}

export interface ManagedPolicy {
  name: string;
  arn: string;
  document: { Version: string; Statement: unknown[] };
  characters: number;
}

/** The partition that a region belongs to. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** As few policies as the order of the statements allows. */
export function deployerPolicies(deployment: Deployment): ManagedPolicy[] {
  const parts: unknown[][] = [];
  for (const statement of fillIn(template.Statement, deployment) as unknown[]) {
    const last = parts.at(-1);
    if (last && size([...last, statement]) <= POLICY_CHARACTERS) last.push(statement);
    else parts.push([statement]);
  }
  const { partition, accountId } = deployment;
  return parts.map((statements, index) => {
    const name = policyName(deployment, index + 1);
    return {
      name,
      arn: `arn:${partition}:iam::${accountId}:policy/${name}`,
      document: documentOf(statements),
      characters: size(statements),
    };
  });
}

function fillIn(value: unknown, deployment: Deployment): unknown {
  const { project, stack, region, accountId, partition } = deployment;
  const qualified = qualifiedName(project, stack);
  const values: Record<string, string> = {
    ACCOUNT_ID: accountId,
    DATABASE_NAME: databaseName(qualified),
    PARTITION: partition,
    PROJECT: project,
    QUALIFIED_NAME: qualified,
    REGION: region,
    STACK: stack,
  };
  const filled = JSON.stringify(value).replace(/\b[A-Z]+(?:_[A-Z]+)*\b/g, (word) => values[word] ?? word);
  return JSON.parse(filled);
}

function documentOf(statements: unknown[]) {
  return { Version: template.Version, Statement: statements };
}

function size(statements: unknown[]): number {
  return JSON.stringify(documentOf(statements)).replace(/\s/g, "").length;
}

/** Long names are cut, and told apart by their hash. */
function policyName({ project, stack }: Deployment, number: number): string {
  const qualified = qualifiedName(project, stack);
  const end = `-deployer-${number}`;
  if (qualified.length + end.length <= POLICY_NAME_CHARACTERS) return `${qualified}${end}`;
  const hash = createHash("sha256").update(qualified).digest("hex").slice(0, 8);
  return `${qualified.slice(0, POLICY_NAME_CHARACTERS - end.length - hash.length - 1)}-${hash}${end}`;
}
