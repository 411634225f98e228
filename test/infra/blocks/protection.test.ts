// A test of what the program declares: which resources Pulumi refuses to delete, and what lets them go.
import assert from "node:assert/strict";
import { evaluate, type Program } from "../program";

const CONFIG = {
  customerKey: "true",
  privacy: '{"user_id":"hash"}',
  privacyHashKey: "a key of enough letters",
};
const BUCKET = "aws:s3/bucket:Bucket";
const BUCKETS = ["clickstream-curated", "clickstream-raw", "clickstream-results", "clickstream-scripts"];
const PROTECTED = {
  [BUCKET]: BUCKETS,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": BUCKETS,
  "aws:s3/bucketPolicy:BucketPolicy": BUCKETS,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": BUCKETS,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": BUCKETS,
  "aws:kinesis/stream:Stream": ["clickstream-stream"],
  "aws:glue/catalogDatabase:CatalogDatabase": ["clickstream-database"],
  "aws:glue/catalogTable:CatalogTable": ["clickstream-events", "clickstream-quarantine"],
  "aws:kms/key:Key": ["clickstream-key"],
  "aws:secretsmanager/secret:Secret": ["clickstream-privacy-hash-key"],
};

const protectedTypes = (program: Program) =>
  Object.fromEntries(
    [...new Set(program.resources.map(({ type }) => type))]
      .map((type) => [type, program.protectedOf(type).sort()] as const)
      .filter(([, names]) => names.length > 0),
  );
const emptied = ({ of }: Program) => of(BUCKET).filter(({ inputs }) => inputs.forceDestroy).length;

describe("infra/blocks/protection", () => {
  it("protects what holds data and what guards it, and nothing else, unless data may be lost", async () => {
    assert.deepEqual(protectedTypes(await evaluate(CONFIG)), PROTECTED);
  });

  it("protects nothing if data loss is allowed, and still empties no bucket without forceDestroy", async () => {
    const program = await evaluate({ ...CONFIG, allowDataLoss: "true" });
    assert.deepEqual(protectedTypes(program), {});
    assert.equal(emptied(program), 1); // the scripts, which come back with the program
  });

  it("allows dev to be destroyed with its data", async () => {
    assert.equal(emptied(await evaluate({ allowDataLoss: "true", forceDestroy: "true" })), 4);
  });

  it("gives what can be taken back a month, and where data may be lost the shortest time", async () => {
    const days = ({ named }: Program) => [
      named("aws:kms/key:Key", "clickstream-key").deletionWindowInDays,
      named("aws:secretsmanager/secret:Secret", "clickstream-privacy-hash-key").recoveryWindowInDays,
    ];
    assert.deepEqual(days(await evaluate(CONFIG)), [30, 30]);
    assert.deepEqual(days(await evaluate({ ...CONFIG, allowDataLoss: "true" })), [7, 0]);
  });
});
