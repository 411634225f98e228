// What IAM decides of one request under identity policies: the part of its rules that infra/deployer/deployer-policy.json uses.
// Written from IAM's reference (policy evaluation logic, condition operators); anything else in a policy is an error.

export interface Request {
  action: string;
  /** The resource's ARN, or "*" where AWS checks the action on no resource. */
  resource: string;
  /** Condition keys; a key that AWS would not send is left out. */
  context?: Record<string, string | string[]>;
}

interface Statement {
  Sid: string;
  Effect: string;
  Action: string[];
  Resource?: string | string[];
  NotResource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

export interface Policy {
  Statement: unknown[];
}

/** The Sids of the statements that allow the request. There is no Deny in these policies. */
export function allowedBy(policies: Policy[], request: Request): string[] {
  const statements = policies.flatMap(({ Statement }) => Statement as Statement[]);
  return statements.filter((statement) => matches(statement, request)).map(({ Sid }) => Sid);
}

function matches(statement: Statement, { action, resource, context = {} }: Request): boolean {
  const { Sid, Effect, Action, Resource, NotResource, Condition = {}, ...unknown } = statement;
  if (Effect !== "Allow" || Object.keys(unknown).length > 0) throw new Error(`${Sid}: not modelled`);
  if (!Action.includes(action)) return false;
  const among = (patterns: string | string[]) => list(patterns).some((pattern) => like(resource, pattern));
  if (NotResource === undefined ? !among(Resource ?? []) : among(NotResource)) return false;
  return Object.entries(Condition).every(([operator, tests]) =>
    Object.entries(tests).every(([key, wanted]) => holds(operator, contextValue(context, key), list(wanted))),
  );
}

/** Names of condition keys are the same in any case. */
function contextValue(context: Record<string, string | string[]>, key: string): string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && list(found[1]);
}

function holds(operator: string, actual: string[] | undefined, wanted: string[]): boolean {
  switch (operator) {
    case "Bool":
    case "StringEquals":
      return actual !== undefined && wanted.includes(single(actual));
    case "StringEqualsIfExists":
      return actual === undefined || wanted.includes(single(actual));
    case "StringLike":
      return actual !== undefined && wanted.some((pattern) => like(single(actual), pattern));
    case "StringLikeIfExists":
      return actual === undefined || wanted.some((pattern) => like(single(actual), pattern));
    case "ForAllValues:StringNotEquals":
      return (actual ?? []).every((value) => !wanted.includes(value));
    default:
      throw new Error(`${operator}: not modelled`);
  }
}

function single(values: string[]): string {
  if (values.length !== 1) throw new Error(`one value wanted, got ${values.join(", ")}`);
  return values[0] as string;
}

/** `*` is any text, `?` one character; all else is itself. */
function like(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}

function list(value: string | string[]): string[] {
  return typeof value === "string" ? [value] : value;
}
