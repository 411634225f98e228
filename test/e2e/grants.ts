// The grants of a stack's roles: which of them the requests of a run needed, and which docs/permissions.md lists with the reason.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  GetRolePolicyCommand,
  type IAMClient,
  ListRolePoliciesCommand,
  ListRolesCommand,
} from "@aws-sdk/client-iam";
import { PROJECT_ROOT } from "../../stack/runs";
import type { Lake } from "./lake";

interface Grant {
  role: string;
  action: string;
  resource: string;
}
type Statement = { Action: string[]; Resource: string[] };
export type Document = { Version: string; Statement: Statement[] };
/** The program's roles by their logical names, each with its only policy. */
export type Roles = Map<string, { name: string; policy: string; document: Document }>;

/** `clickstream-ingest-role-5a720b8` is the program's `clickstream-ingest-role`. */
const logical = (name: string) => name.replace(/-[0-9a-f]{7}(?=$|\/|:|\*)/g, "");

/** A grant as the documentation writes it, without what differs from stack to stack. */
function readable({ role, action, resource }: Grant): string {
  const place = resource
    .replace(/^arn:aws:/, "")
    .replace(/:us-east-1:000000000000:/, ":")
    .replace(/^(s3|states|sns):+/, "$1:")
    .replace(/key\/[0-9a-f-]{36}/, "key");
  return `${logical(role)} ${action} ${logical(place)}`;
}

/** The rows of the table under a heading of docs/permissions.md: role, actions, resources, reason. */
export function listedGrants(heading: string): string[] {
  const text = readFileSync(join(PROJECT_ROOT, "docs", "permissions.md"), "utf8");
  const [, section = ""] = text.split(`## ${heading}\n`);
  const [table = ""] = section.split(/^##/m);
  const rows = table.split("\n").filter((line) => /^\| `clickstream-/.test(line));
  return rows.flatMap((row) => {
    const [role = [], actions = [], places = []] = row
      .split("|")
      .slice(1, 4)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? ""));
    return actions.flatMap((action) => places.map((place) => `${role[0]} ${action} ${place}`));
  });
}

/** One and the same grant can be written in two statements: each counts. */
export const difference = (from: string[], without: string[]) =>
  [...new Set(from)].filter((line) => !without.includes(line)).sort();

/** Takes each grant away in turn. `unseen` are those without which every request so far would still be allowed. */
export function unneeded(lake: Lake, roles: Roles): { mutants: number; unseen: string[] } {
  const policies = Object.fromEntries([...roles.values()].map(({ name, document }) => [name, document]));
  const output = execFileSync(
    join(PROJECT_ROOT, ".local", "venv", "bin", "python"),
    [join(__dirname, "permission_mutants.py")],
    { input: JSON.stringify({ policies, requests: decisions(lake) }), maxBuffer: 1 << 26 },
  );
  const mutants: (Grant & { needed: boolean })[] = JSON.parse(output.toString());
  return { mutants: mutants.length, unseen: mutants.filter(({ needed }) => !needed).map(readable) };
}

/** What the policies of roles decided so far. */
export function decisions(
  lake: Lake,
): { principal: string; action: string; resource: string; decision: string }[] {
  const text = readFileSync(join(lake.stack.stateDir, "authorizations.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export async function rolesOf(iam: IAMClient): Promise<Roles> {
  const { Roles = [] } = await iam.send(new ListRolesCommand({ MaxItems: 1000 }));
  const found: Roles = new Map();
  for (const { RoleName = "" } of Roles) {
    const { PolicyNames: [policy = ""] = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    if (!policy) continue;
    const { PolicyDocument = "" } = await iam.send(
      new GetRolePolicyCommand({ RoleName, PolicyName: policy }),
    );
    const document: Document = JSON.parse(decodeURIComponent(PolicyDocument));
    found.set(logical(RoleName), { name: RoleName, policy, document });
  }
  return found;
}
