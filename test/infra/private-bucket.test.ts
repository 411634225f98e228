import assert from "node:assert/strict";
import { evaluate, type Program } from "./program";

const BUCKETS = ["clickstream-curated", "clickstream-raw", "clickstream-results", "clickstream-scripts"];

describe("infra/private-bucket", () => {
  let program: Program;
  before(async () => {
    program = await evaluate();
  });

  it("makes every bucket of the stack", () => {
    assert.deepEqual(
      program
        .of("aws:s3/bucket:Bucket")
        .map(({ name }) => name)
        .sort(),
      BUCKETS,
    );
  });

  for (const bucket of BUCKETS) {
    it(`keeps ${bucket} private, encrypted and TLS only`, () => {
      const part = (type: string) => {
        const { bucket: of, ...inputs } = program.named(`aws:s3/${type}`, bucket);
        assert.equal(of, `${bucket}-id`);
        return inputs;
      };
      assert.deepEqual(part("bucketPublicAccessBlock:BucketPublicAccessBlock"), {
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
      assert.deepEqual(part("bucketOwnershipControls:BucketOwnershipControls"), {
        rule: { objectOwnership: "BucketOwnerEnforced" },
      });
      assert.deepEqual(
        part("bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"),
        { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      );
      const { policy } = part("bucketPolicy:BucketPolicy");
      assert.deepEqual(JSON.parse(String(policy)).Statement, [
        {
          Sid: "TlsOnly",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: [`arn:aws:s3:::${bucket}-id`, `arn:aws:s3:::${bucket}-id/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ]);
    });
  }

  it("aborts broken uploads everywhere, and lets just the query results expire", () => {
    const days = program
      .of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
      .map(({ name, inputs }) => {
        const rules = inputs.rules as Record<string, { days?: number; daysAfterInitiation?: number }>[];
        return [
          name,
          ...rules.map(
            (rule) => rule.expiration?.days ?? rule.abortIncompleteMultipartUpload?.daysAfterInitiation,
          ),
        ];
      });
    assert.deepEqual(days.sort(), [
      ["clickstream-curated", 1],
      ["clickstream-raw", 1],
      ["clickstream-results", 1, 30],
      ["clickstream-scripts", 1],
    ]);
  });

  it("lets pulumi destroy delete data only where the stack's configuration says so", async () => {
    const destroyed = ({ of }: Program) =>
      of("aws:s3/bucket:Bucket")
        .filter(({ inputs }) => inputs.forceDestroy)
        .map(({ name }) => name)
        .sort();
    // The scripts are the program's own and come back with it.
    assert.deepEqual(destroyed(program), ["clickstream-scripts"]);
    assert.deepEqual(destroyed(await evaluate({ forceDestroy: "true" })), BUCKETS);
  });
});
