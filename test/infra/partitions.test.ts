// A test of what the program declares in China and in GovCloud: nothing there has an ARN or an address of the commercial partition.
import assert from "node:assert/strict";
import { evaluate, type Region } from "./program";

const EVERYTHING = {
  alarms: "true",
  customerKey: "true",
  dashboard: "true",
  tracing: "true",
  scheduleEnabled: "true",
  monthlyBudgetUsd: "10",
  failureEmails: '["ops@example.com"]',
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
};
const CHINA: Region = { partition: "aws-cn", region: "cn-north-1", dnsSuffix: "amazonaws.com.cn" };
const GOVERNMENT: Region = { partition: "aws-us-gov", region: "us-gov-west-1", dnsSuffix: "amazonaws.com" };

describe("infra in other partitions", () => {
  for (const [place, console, logs] of [
    [CHINA, "cn-north-1.console.amazonaws.cn", "logs.cn-north-1.amazonaws.com.cn"],
    [GOVERNMENT, "us-gov-west-1.console.amazonaws-us-gov.com", "logs.us-gov-west-1.amazonaws.com"],
  ] as const) {
    it(`has only ARNs and addresses of ${place.partition}`, async () => {
      const program = await evaluate(EVERYTHING, "test", "clickstream", place);
      const declared = JSON.stringify([program.resources.map(({ inputs }) => inputs), program.outputs]);
      const arns = new Set(declared.match(/\barn:[\w-]*:[\w-]*/g));
      assert.deepEqual(
        [...arns].filter((arn) => !arn.startsWith(`arn:${place.partition}:`)),
        [],
      );
      for (const service of ["states", "s3", "glue", "kms", "logs"]) {
        assert.ok(arns.has(`arn:${place.partition}:${service}`), service);
      }
      assert.deepEqual(
        [...new Set(declared.match(/https:\/\/[\w.-]+/g))].filter((address) => /aws/.test(address)),
        [`https://${console}`],
      );
      const [key] = program.of("aws:kms/key:Key");
      assert.ok(String(key?.inputs.policy).includes(`"${logs}"`));
    });
  }
});
