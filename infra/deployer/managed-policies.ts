// The policies of a deploying role, and of people who use the commands: the templates in this folder with a stack's
// names filled in, split into parts that IAM takes.
import { createHash } from "node:crypto";
import { PREFIX } from "../../schema/prefixes";
import { budgetName, databaseName, qualifiedName } from "../blocks/names";
import commandsTemplate from "./commands-policy.json";
import deployerTemplate from "./deployer-policy.json";

/** The maximum size of a customer managed policy. IAM does not count white space. */
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

/** What `pulumi up` and `pulumi destroy` need. */
export function deployerPolicies(deployment: Deployment): ManagedPolicy[] {
  return split(fillIn(deployerTemplate.Statement, deployment), deployment, "deployer");
}

/** What the commands for a stack on AWS need (`npm run doctor`, `query`, `execute`, `empty-buckets`, `resend`, `leftovers`). */
export function commandPolicies(deployment: Deployment): ManagedPolicy[] {
  return split(fillIn(commandsTemplate.Statement, deployment), deployment, "commands");
}

/** As few policies as the order of the statements allows. */
function split(statements: unknown[], deployment: Deployment, purpose: string): ManagedPolicy[] {
  const parts: unknown[][] = [];
  for (const statement of statements) {
    const last = parts.at(-1);
    if (last && size([...last, statement]) <= POLICY_CHARACTERS) last.push(statement);
    else parts.push([statement]);
  }
  const { partition, accountId } = deployment;
  return parts.map((part, index) => {
    const name = policyName(deployment, `-${purpose}-${index + 1}`);
    return {
      name,
      arn: `arn:${partition}:iam::${accountId}:policy/${name}`,
      document: documentOf(part),
      characters: size(part),
    };
  });
}

function fillIn(statements: unknown[], deployment: Deployment): unknown[] {
  const { project, stack, region, accountId, partition } = deployment;
  const values: Record<string, string> = {
    ACCOUNT_ID: accountId,
    BUDGET_NAME: budgetName(project, stack),
    DATABASE_NAME: databaseName(project, stack),
    EVENTS_PREFIX: PREFIX.events,
    FIREHOSE_ERRORS_PREFIX: PREFIX.firehoseErrors,
    PARTITION: partition,
    PROJECT: project,
    QUARANTINE_PREFIX: PREFIX.quarantine,
    REBUILT_PREFIX: PREFIX.rebuilt,
    QUALIFIED_NAME: qualifiedName(project, stack),
    REGION: region,
    STACK: stack,
  };
  const filled = JSON.stringify(statements).replace(
    /\b[A-Z]+(?:_[A-Z]+)*\b/g,
    (word) => values[word] ?? word,
  );
  return JSON.parse(filled);
}

function documentOf(statements: unknown[]) {
  return { Version: "2012-10-17", Statement: statements };
}

function size(statements: unknown[]): number {
  return JSON.stringify(documentOf(statements)).replace(/\s/g, "").length;
}

/** Long names are cut and end in a hash. */
function policyName({ project, stack }: Deployment, end: string): string {
  const qualified = qualifiedName(project, stack);
  if (qualified.length + end.length <= POLICY_NAME_CHARACTERS) return `${qualified}${end}`;
  const hash = createHash("sha256").update(qualified).digest("hex").slice(0, 8);
  return `${qualified.slice(0, POLICY_NAME_CHARACTERS - end.length - hash.length - 1)}-${hash}${end}`;
}
