import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { evaluate } from "../program";

const SCRIPT = path.resolve(__dirname, "../../../glue-scripts/clickstream_etl.py");
const JOB = "aws:glue/job:Job";

describe("infra/transform/transform", () => {
  it("passes all locations to the job, and runs it once at a time", async () => {
    const program = await evaluate({ targetFileMb: "64", glueWorkers: "5", privacy: '{"ip":"drop"}' });
    const job = program.named(JOB, "clickstream-transform");
    assert.deepEqual(job.defaultArguments, {
      "--raw_path": "s3://clickstream-raw-id/raw/",
      "--quarantine_path": "s3://clickstream-raw-id/quarantine/",
      "--given_up_path": "s3://clickstream-raw-id/aws/lambda/",
      "--curated_path": "s3://clickstream-curated-id/events/",
      "--rebuilt_path": "s3://clickstream-curated-id/rebuilt/",
      "--runs_path": "s3://clickstream-curated-id/runs/",
      "--database": "clickstream_test",
      "--table": "events",
      "--privacy": '{"user_agent":"drop","email":"drop","ip":"drop"}',
      "--privacy_key_secret": "none",
      "--target_file_mb": "64",
      "--execution": "by-hand",
      "--reprocess_from": "none",
      "--reprocess_to": "none",
      "--job-language": "python",
      "--job-bookmark-option": "job-bookmark-disable",
      "--custom-logGroup-prefix": "/clickstream-test/transform",
      "--enable-metrics": "true",
    });
    assert.deepEqual(
      [job.glueVersion, job.workerType, job.numberOfWorkers, job.maxRetries, job.executionProperty],
      ["5.1", "G.1X", 5, 0, { maxConcurrentRuns: 1 }],
    );
  });

  it("names the script's object by its content, so that a changed script is a new object", async () => {
    const program = await evaluate();
    const hash = createHash("sha256").update(readFileSync(SCRIPT)).digest("hex").slice(0, 16);
    const key = `scripts/clickstream_etl-${hash}.py`;
    assert.equal(program.named("aws:s3/bucketObjectv2:BucketObjectv2", "clickstream-script").key, key);
    assert.deepEqual(program.named(JOB, "clickstream-transform").command, {
      name: "glueetl",
      pythonVersion: "3",
      scriptLocation: `s3://clickstream-scripts-id/${key}`,
    });
  });

  it("passes the secret that holds the hash key, not the key", async () => {
    const key = "a key of enough letters";
    const program = await evaluate({ privacy: '{"user_id":"hash"}', privacyHashKey: key });
    const job = program.named(JOB, "clickstream-transform");
    assert.equal(
      (job.defaultArguments as Record<string, string>)["--privacy_key_secret"],
      "arn:aws:secretsmanager/secretVersion:SecretVersion:clickstream-privacy-hash-key",
    );
    assert.ok(!JSON.stringify(job).includes(key));
  });
});
