// A whole life of the stack: deployed, run with real Spark, destroyed. Afterwards every service lists what it listed before.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { S3Client } from "@aws-sdk/client-s3";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { listEverything } from "../../cli/teardown/listing";
import { deploy } from "../../local/deploy/program";
import { startEmulator } from "../../local/emulator-process";
import { localClientConfig } from "../../stack/aws";
import { contentsOf, emptyBucket } from "../../stack/bucket-contents";
import { PROJECT_ROOT } from "../../stack/runs";

describe("e2e: nothing is left", function () {
  this.timeout(300_000);

  it("lists after destroy what it listed before deploy, though an execution had run and data was there", async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "clickstream-life-"));
    const emulator = await startEmulator(stateDir);
    try {
      const clientConfig = localClientConfig(emulator.endpoint);
      const before = await listEverything(clientConfig);
      // As in production: destroy itself must not empty the buckets.
      const config = { forceDestroy: false, scheduleEnabled: true, customerKey: true };
      const deployment = await deploy({ root: PROJECT_ROOT, clientConfig, config });
      const outputs = deployment.outputs as Record<string, string>;
      const sfn = new SFNClient(clientConfig);
      const { executionArn } = await sfn.send(
        new StartExecutionCommand({
          stateMachineArn: outputs.stateMachineArn,
          input: JSON.stringify({ simulate: { events: 60, seed: 5, malformed: 0.1 } }),
        }),
      );
      let execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      while (execution.status === "RUNNING") {
        await sleep(500);
        execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      }
      assert.equal(execution.status, "SUCCEEDED", execution.cause);
      const during = await listEverything(clientConfig);
      assert.ok(
        during.some((line) => line.startsWith("Glue partition ")),
        "the run registered partitions",
      );

      const s3 = new S3Client(clientConfig);
      for (const name of ["rawBucket", "curatedBucket", "resultsBucket"]) {
        const bucket = outputs[name] ?? "";
        assert.ok((await contentsOf(s3, bucket)).objects > 0, `${name} holds data`);
        await emptyBucket(s3, bucket);
      }
      await deployment.destroy();
      assert.deepEqual(await listEverything(clientConfig), before);
    } finally {
      await emulator.stop();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});
