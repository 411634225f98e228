import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { objectKey } from "../../../lambdas/shared/layout";
import { QUARANTINE_COLUMNS, TABLE_COLUMNS } from "../../../schema/contract";
import { evaluate, type Program } from "../program";

const TABLE = "aws:glue/catalogTable:CatalogTable";
const plain = (columns: readonly { name: string; type: string }[]) =>
  columns.map(({ name, type }) => [name, type]);

describe("infra/catalog/catalog", function () {
  this.timeout(120_000);
  let program: Program;
  before(async () => {
    program = await evaluate();
  });

  const storage = (table: string) =>
    program.named(TABLE, table).storageDescriptor as {
      location: string;
      columns: { name: string; type: string }[];
      serDeInfo: { serializationLibrary: string };
    };

  it("leaves its tables to IAM, where Lake Formation's default permissions are off, too", () => {
    const database = program.named("aws:glue/catalogDatabase:CatalogDatabase", "clickstream-database");
    assert.deepEqual(database.createTableDefaultPermissions, [
      { principal: { dataLakePrincipalIdentifier: "IAM_ALLOWED_PRINCIPALS" }, permissions: ["ALL"] },
    ]);
  });

  it("gives both tables the schema's columns, in its order", () => {
    assert.deepEqual(plain(storage("clickstream-events").columns), plain(TABLE_COLUMNS));
    assert.deepEqual(plain(storage("clickstream-quarantine").columns), plain(QUARANTINE_COLUMNS));
  });

  it("gets a new column or partition key by an update in place: the provider replaces a table for other inputs", () => {
    const types = JSON.parse(readFileSync(join(__dirname, "../aws-types.json"), "utf8")).types;
    const { replaces } = types[TABLE] as { replaces: string[] };
    assert.ok(replaces.includes("name"));
    for (const input of ["storageDescriptor", "partitionKeys", "parameters"])
      assert.ok(!replaces.includes(input), input);
  });

  it("partitions the events by their own day, and the quarantine by that of arrival", () => {
    const keys = (table: string) =>
      program.named(TABLE, table).partitionKeys as { name: string; type: string }[];
    assert.deepEqual(plain(keys("clickstream-events")), [["event_date", "date"]]);
    assert.deepEqual(plain(keys("clickstream-quarantine")), [["arrival_day", "string"]]);
  });

  it("lets Athena work out the days of the quarantine, from the first version on", () => {
    // test/emulator/athena/test_saved_queries.py has the same with an earlier first day, and shows what is found with it.
    assert.deepEqual(program.named(TABLE, "clickstream-quarantine").parameters, {
      EXTERNAL: "TRUE",
      classification: "json",
      compressionType: "gzip",
      "projection.enabled": "true",
      "projection.arrival_day.type": "date",
      "projection.arrival_day.format": "'year='yyyy'/month='MM'/day='dd",
      "projection.arrival_day.range": "year=2026/month=11/day=01,NOW+1DAY",
      "projection.arrival_day.interval": "1",
      "projection.arrival_day.interval.unit": "DAYS",
      "storage.location.template": `s3://clickstream-raw-id/quarantine/\${arrival_day}/`,
    });
  });

  it("finds each quarantine object in the folder of its day, which begins its key", () => {
    const key = objectKey("quarantine", Date.parse("2026-03-04T05:06:07Z"), {
      shardId: "shardId-0",
      ...{ first: "1", last: "2" },
    });
    assert.ok(key.startsWith("quarantine/year=2026/month=03/day=04/hour="), key);
  });

  it("points the tables at the files that the job and the ingest write", () => {
    assert.equal(storage("clickstream-events").location, "s3://clickstream-curated-id/events/");
    assert.equal(storage("clickstream-quarantine").location, "s3://clickstream-raw-id/quarantine/");
    assert.equal(
      storage("clickstream-quarantine").serDeInfo.serializationLibrary,
      "org.openx.data.jsonserde.JsonSerDe",
    );
  });

  it("enforces the result bucket, encryption and engine 3 for every query of the workgroup", () => {
    assert.deepEqual(program.named("aws:athena/workgroup:Workgroup", "clickstream-workgroup").configuration, {
      enforceWorkgroupConfiguration: true,
      bytesScannedCutoffPerQuery: 100 * 1024 * 1024 * 1024,
      publishCloudwatchMetricsEnabled: true,
      engineVersion: { selectedEngineVersion: "Athena engine version 3" },
      resultConfiguration: {
        outputLocation: "s3://clickstream-results-id/queries/",
        encryptionConfiguration: { encryptionOption: "SSE_S3" },
      },
    });
  });

  it("stops a query at the limit that is configured, at none where that is 0, and within what AWS takes", async () => {
    const limit = async (athenaScanLimitGb: string) => {
      const { configuration } = (await evaluate({ athenaScanLimitGb })).named(
        "aws:athena/workgroup:Workgroup",
        "clickstream-workgroup",
      ) as { configuration: { bytesScannedCutoffPerQuery?: number } };
      return configuration.bytesScannedCutoffPerQuery;
    };
    assert.equal(await limit("0"), undefined);
    // From 10 MB on, and exact as a number of JavaScript's.
    assert.equal(await limit("100000"), 107_374_182_400_000);
  });

  it("saves each query of infra/catalog/queries in the workgroup, for its database, with what it answers", () => {
    const folder = join(__dirname, "../../../infra/catalog/queries");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".sql"),
    );
    const saved = program.of("aws:athena/namedQuery:NamedQuery").map(({ inputs }) => inputs);
    const fileOf = (name: unknown) => `${String(name).replace(/^report-/, "report/")}.sql`;
    assert.ok(files.includes("report/funnel.sql"));
    assert.deepEqual(saved.map(({ name }) => fileOf(name)).sort(), files.sort());
    for (const { name, description, query, database, workgroup } of saved) {
      const text = readFileSync(join(folder, fileOf(name)), "utf8");
      assert.equal(query, text.trim());
      assert.equal(`-- ${description}`, text.split("\n")[0]);
      assert.deepEqual([database, workgroup], ["clickstream_test", "clickstream-workgroup-id"]);
    }
  });
});
