// The roles' policies as parliament sees them, which knows AWS's actions with their resources and condition keys.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../local/runs";
import { evaluate } from "../infra/program";
import { withRealArns } from "./arns";

interface Finding {
  name: string;
  issue: string;
  detail: string;
}

const EVERY_OPTION = {
  customerKey: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
};

/** What parliament objects to and is right so: `role: issue`, with the reason. */
const EXPLAINED: Record<string, string> = {};

function parliament(policies: { name: string; document: string }[]): Finding[] {
  const python = join(PROJECT_ROOT, ".local", "venv", "bin", "python");
  const output = execFileSync(python, [join(__dirname, "parliament_check.py")], {
    input: JSON.stringify(policies),
  });
  return JSON.parse(output.toString());
}

const document = (statement: object) =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });

describe("external: IAM policies", function () {
  this.timeout(60_000);

  it("are sound, by default and with every option on", async () => {
    for (const config of [{}, EVERY_OPTION]) {
      const program = await evaluate(config);
      const policies = program
        .of("aws:iam/rolePolicy:RolePolicy")
        .map(({ name, inputs }) => ({ name, document: withRealArns(String(inputs.policy)) }));
      assert.ok(policies.length >= 5);
      const found = parliament(policies).filter(({ name, issue }) => !EXPLAINED[`${name}: ${issue}`]);
      assert.deepEqual(found, []);
    }
  });

  for (const { fault, statement, issue } of [
    {
      fault: "an action that AWS does not have",
      statement: { Action: "s3:ReadObject", Resource: "arn:aws:s3:::b/*" },
      issue: "UNKNOWN_ACTION",
    },
    {
      fault: "a bucket where the action is about objects",
      statement: { Action: "s3:PutObject", Resource: "arn:aws:s3:::b" },
      issue: "RESOURCE_MISMATCH",
    },
    {
      fault: "a condition key that the action does not know",
      statement: {
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::b/*",
        Condition: { StringLike: { "s3:prefix": "raw/*" } },
      },
      issue: "UNKNOWN_CONDITION_FOR_ACTION",
    },
    {
      fault: "an operator that does not exist",
      statement: {
        Action: "s3:GetObject",
        Resource: "arn:aws:s3:::b/*",
        Condition: { StringIs: { "aws:SourceAccount": "123456789012" } },
      },
      issue: "UNKNOWN_OPERATOR",
    },
  ]) {
    it(`would be refused with ${fault}`, () => {
      const [first] = parliament([{ name: "planted", document: document(statement) }]);
      assert.equal(first?.issue, issue);
    });
  }
});
