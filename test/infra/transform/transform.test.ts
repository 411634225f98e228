import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { PROJECT_ROOT } from "../../../infra/blocks/bundle";
import { packageFiles, RETIRED_TAG } from "../../../infra/transform/transform";
import { sourceBytes } from "../../../local/deploy/assets";
import { TABLE_COLUMNS } from "../../../schema/contract";
import { evaluate } from "../program";

const SCRIPT = path.resolve(__dirname, "../../../glue-scripts/clickstream_etl.py");
const PACKAGE = path.resolve(__dirname, "../../../glue-scripts/clickstream");
const FUNCTION = "aws:lambda/function:Function";
const JOB = "aws:glue/job:Job";
const OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2";
const PACKAGE_KEY = `scripts/clickstream-${sha256(JSON.stringify(packageFiles()))}.zip`;

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

describe("infra/transform/transform", () => {
  it("passes all locations to the job, and runs it once at a time", async () => {
    const program = await evaluate({
      targetFileMb: "64",
      glueWorkers: "5",
      streamRetentionHours: "48",
      dedupeDays: "30",
      compactionMb: "512",
      privacy: '{"ip":"drop"}',
    });
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
      "--retention_hours": "48",
      "--dedupe_days": "30",
      "--compaction": "on",
      "--compaction_mb": "512",
      "--compaction_seconds": "120",
      "--arrived_path": "none",
      "--execution": "by-hand",
      "--reprocess_from": "none",
      "--reprocess_to": "none",
      "--extra-py-files": `s3://clickstream-scripts-id/${PACKAGE_KEY}`,
      "--job-language": "python",
      "--job-bookmark-option": "job-bookmark-disable",
      "--custom-logGroup-prefix": "/clickstream-test/transform",
      "--enable-auto-scaling": "true",
    });
    assert.deepEqual(
      [job.glueVersion, job.workerType, job.numberOfWorkers, job.maxRetries, job.executionProperty],
      ["5.1", "G.1X", 5, 0, { maxConcurrentRuns: 1 }],
    );
  });

  it("lets the check for new objects read just the head and the lists, and list just what can be new", async () => {
    const program = await evaluate({ streamRetentionHours: "48" });
    assert.deepEqual(program.named(FUNCTION, "clickstream-look-for-new").environment, {
      variables: {
        RAW_BUCKET: "clickstream-raw-id",
        CURATED_BUCKET: "clickstream-curated-id",
        GIVEN_UP_PREFIX: "aws/lambda/",
        STREAM_RETENTION_HOURS: "48",
      },
    });
    const { policy } = program.named("aws:iam/rolePolicy:RolePolicy", "clickstream-look-for-new-role");
    const { Statement } = JSON.parse(String(policy)) as { Statement: Record<string, unknown>[] };
    const onBuckets = Statement.filter(({ Action }) => String(Action).startsWith("s3:"));
    const list = (bucket: string, prefixes: string[]) => ({
      Effect: "Allow",
      Action: ["s3:ListBucket"],
      Resource: [`arn:aws:s3:::clickstream-${bucket}-id`],
      Condition: { StringLike: { "s3:prefix": prefixes } },
    });
    assert.deepEqual(onBuckets, [
      list("raw", ["raw/*", "quarantine/*", "aws/lambda/*"]),
      list("curated", ["runs/head.json", "runs/attempts/*"]),
      {
        Effect: "Allow",
        Action: ["s3:GetObject"],
        Resource: [
          "arn:aws:s3:::clickstream-curated-id/runs/head.json",
          "arn:aws:s3:::clickstream-curated-id/runs/taken/*",
        ],
      },
    ]);
  });

  it("lets Glue scale only where there are more workers than a run needs at least", async () => {
    const scaling = async (glueWorkers: string) => {
      const { defaultArguments } = (await evaluate({ glueWorkers })).named(JOB, "clickstream-transform");
      return (defaultArguments as Record<string, string>)["--enable-auto-scaling"];
    };
    assert.deepEqual([await scaling("2"), await scaling("3")], [undefined, "true"]);
  });

  it("runs in the execution class that the configuration names, STANDARD without one", async () => {
    const chosen = async (settings: Record<string, string>) =>
      (await evaluate(settings)).named(JOB, "clickstream-transform").executionClass;
    assert.deepEqual([await chosen({}), await chosen({ glueExecutionClass: "FLEX" })], ["STANDARD", "FLEX"]);
  });

  it("gives a FLEX run an hour to get its workers, and a STANDARD run a quarter of one", async () => {
    const timeout = async (glueExecutionClass: string) => {
      const program = await evaluate({ glueExecutionClass, glueTimeoutMinutes: "30" });
      const [machine] = program.of("aws:sfn/stateMachine:StateMachine");
      return JSON.parse(String(machine?.inputs.definition)).States.TransformEvents.TimeoutSeconds;
    };
    assert.deepEqual([await timeout("STANDARD"), await timeout("FLEX")], [45 * 60, 90 * 60]);
  });

  it("expires old versions by the tag that the job gives", () => {
    const aws = readFileSync(path.join(PROJECT_ROOT, "glue-scripts/clickstream/aws.py"), "utf8");
    const { key, value } = RETIRED_TAG;
    assert.ok(aws.includes(`RETIRED_TAG = {"Key": "${key}", "Value": "${value}"}`));
  });

  it("turns the compaction off", async () => {
    const program = await evaluate({ compaction: "false", compactionSeconds: "30" });
    const given = program.named(JOB, "clickstream-transform").defaultArguments as Record<string, string>;
    assert.deepEqual([given["--compaction"], given["--compaction_seconds"]], ["off", "30"]);
  });

  it("names the script's object by its content, so that a changed script is a new object", async () => {
    const program = await evaluate();
    const key = `scripts/clickstream_etl-${sha256(readFileSync(SCRIPT))}.py`;
    assert.equal(program.named(OBJECT, "clickstream-script").key, key);
    assert.deepEqual(program.named(JOB, "clickstream-transform").command, {
      name: "glueetl",
      pythonVersion: "3",
      scriptLocation: `s3://clickstream-scripts-id/${key}`,
    });
  });

  it("ships the package as a zip named by its content, the contract in it", async () => {
    const found = (await evaluate()).named(OBJECT, "clickstream-package");
    assert.equal(found.key, PACKAGE_KEY);
    const files = Object.fromEntries(packageFiles());
    const sources = readdirSync(PACKAGE).filter((name) => name.endsWith(".py"));
    assert.deepEqual(
      Object.keys(files),
      [...sources, "clickstream.json"].sort().map((name) => `clickstream/${name}`),
    );
    const contract = path.resolve(PACKAGE, "../../schema/clickstream.json");
    assert.equal(files["clickstream/clickstream.json"], readFileSync(contract, "utf8"));
    assert.ok(files["clickstream/__init__.py"]);
  });

  it("makes the same zip of the same files, which Python imports", async () => {
    const found = (await evaluate()).named(OBJECT, "clickstream-package");
    const bytes = await sourceBytes(found.source, PROJECT_ROOT);
    assert.deepEqual(await sourceBytes(found.source, PROJECT_ROOT), bytes);
    const zip = path.join(mkdtempSync(path.join(tmpdir(), "package-")), "clickstream.zip");
    writeFileSync(zip, bytes);
    const columns = execFileSync(
      path.join(PROJECT_ROOT, ".local/venv/bin/python"),
      ["-c", "from clickstream.contract import EVENT_COLUMNS; print(*EVENT_COLUMNS)"],
      { encoding: "utf8", env: { PYTHONPATH: zip } },
    );
    rmSync(path.dirname(zip), { recursive: true });
    assert.deepEqual(
      columns.trim().split(" "),
      TABLE_COLUMNS.map(({ name }) => name),
    );
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
