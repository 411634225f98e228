import assert from "node:assert/strict";
import { evaluate, type Program } from "../program";

const LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
const BUCKETS = ["clickstream-curated", "clickstream-raw", "clickstream-results", "clickstream-scripts"];

describe("infra/blocks/private-bucket", () => {
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
        {
          rules: [
            {
              applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" },
              bucketKeyEnabled: false,
              blockedEncryptionTypes: ["SSE-C"],
            },
          ],
        },
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

  /** bucket → its rules without the state, by id. */
  const lifecycle = ({ named }: Program, bucket: string) => {
    const inputs = named(LIFECYCLE, bucket);
    assert.equal(inputs.transitionDefaultMinimumObjectSize, "all_storage_classes_128K");
    const rules = inputs.rules as { id: string; status: string }[];
    return Object.fromEntries(
      rules.map(({ id, status, ...rule }) => {
        assert.equal(status, "Enabled");
        return [id, rule];
      }),
    );
  };
  const WHOLE = { prefix: "" };
  const EVERYWHERE = {
    "abort-incomplete-uploads": {
      filter: WHOLE,
      abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
    },
    "expire-noncurrent-versions": {
      filter: WHOLE,
      noncurrentVersionExpiration: { noncurrentDays: 30 },
      expiration: { expiredObjectDeleteMarker: true },
    },
  };

  it("keeps events forever, and expires incomplete uploads, old versions and query results", () => {
    assert.deepEqual(lifecycle(program, "clickstream-raw"), EVERYWHERE);
    assert.deepEqual(lifecycle(program, "clickstream-curated"), {
      ...EVERYWHERE,
      // Compaction writes the same rows again and again. Each old copy would be kept for 30 days.
      "expire-replaced-versions": {
        filter: { tag: { key: "clickstream", value: "retired" } },
        noncurrentVersionExpiration: { noncurrentDays: 1 },
      },
    });
    assert.deepEqual(lifecycle(program, "clickstream-scripts"), EVERYWHERE);
    assert.deepEqual(lifecycle(program, "clickstream-results"), {
      ...EVERYWHERE,
      results: { filter: WHOLE, expiration: { days: 30 } },
    });
  });

  it("moves and expires by prefix what the configuration gives days for", async () => {
    const configured = await evaluate({
      rawInfrequentAccessDays: "60",
      rawRetentionDays: "400",
      quarantineRetentionDays: "90",
      resultsRetentionDays: "2",
      noncurrentRetentionDays: "5",
    });
    const noncurrent = {
      ...EVERYWHERE["expire-noncurrent-versions"],
      noncurrentVersionExpiration: { noncurrentDays: 5 },
    };
    assert.deepEqual(lifecycle(configured, "clickstream-raw"), {
      ...EVERYWHERE,
      "expire-noncurrent-versions": noncurrent,
      raw: {
        filter: { prefix: "raw/" },
        transitions: [{ days: 60, storageClass: "STANDARD_IA" }],
        expiration: { days: 400 },
      },
      quarantine: { filter: { prefix: "quarantine/" }, expiration: { days: 90 } },
      "failed-batches": { filter: { prefix: "aws/lambda/" }, expiration: { days: 90 } },
    });
    assert.deepEqual(lifecycle(configured, "clickstream-results").results, {
      filter: WHOLE,
      expiration: { days: 2 },
    });
  });

  it("versions every bucket, and where that is turned off declares nothing, as S3 can only suspend it", async () => {
    const versioned = ({ of }: Program) =>
      of("aws:s3/bucketVersioning:BucketVersioning").map(({ name, inputs }) => {
        assert.deepEqual(inputs, { bucket: `${name}-id`, versioningConfiguration: { status: "Enabled" } });
        return name;
      });
    assert.deepEqual(versioned(program).sort(), BUCKETS);
    assert.deepEqual(versioned(await evaluate({ versioning: "false" })), []);
  });

  it("allows pulumi destroy to delete data only if the stack's configuration does", async () => {
    const destroyed = ({ of }: Program) =>
      of("aws:s3/bucket:Bucket")
        .filter(({ inputs }) => inputs.forceDestroy)
        .map(({ name }) => name)
        .sort();
    // The scripts are the program's own and come back with it.
    assert.deepEqual(destroyed(program), ["clickstream-scripts"]);
    assert.deepEqual(destroyed(await evaluate({ allowDataLoss: "true", forceDestroy: "true" })), BUCKETS);
  });
});
