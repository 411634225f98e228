import assert from "node:assert/strict";
import { evaluate, type Program } from "../program";

interface Statement {
  Action: string[];
  Resource: string[];
}

/** With any of these, a crawl could hide a day, show rows twice or take the table away. */
const HARMFUL = /UpdatePartition|DeletePartition|DeleteTable|CreateTable|DeleteObject|PutObject/;

describe("infra/catalog/crawler", function () {
  this.timeout(120_000);
  let program: Program;
  before(async () => {
    program = await evaluate({ crawler: "true", customerKey: "true" });
  });

  const statements = (role: string) =>
    (
      JSON.parse(String(program.named("aws:iam/rolePolicy:RolePolicy", role).policy)) as {
        Statement: Statement[];
      }
    ).Statement;

  it("has the events' table as its only target, adds columns only, and deletes nothing", () => {
    const crawler = program.named("aws:glue/crawler:Crawler", "clickstream-crawler");
    const { databaseName } = program.named("aws:glue/catalogTable:CatalogTable", "clickstream-events");
    assert.deepEqual(crawler.catalogTargets, [{ databaseName: "clickstream_test", tables: ["events"] }]);
    assert.equal(databaseName, "clickstream_test");
    assert.deepEqual(crawler.schemaChangePolicy, {
      updateBehavior: "UPDATE_IN_DATABASE",
      deleteBehavior: "LOG",
    });
    assert.deepEqual(JSON.parse(String(crawler.configuration)), {
      Version: 1,
      CrawlerOutput: {
        Tables: { AddOrUpdateBehavior: "MergeNewColumns" },
        Partitions: { AddOrUpdateBehavior: "InheritFromTable" },
      },
      Grouping: { TableGroupingPolicy: "CombineCompatibleSchemas" },
    });
    assert.equal(crawler.schedule, undefined);
  });

  it("may not change or remove a registered partition, nor write an object", () => {
    const actions = statements("clickstream-crawler-role").flatMap(({ Action }) => Action);
    assert.deepEqual(
      actions.filter((action) => HARMFUL.test(action) || action.includes("*")),
      [],
    );
    assert.ok(actions.includes("glue:BatchCreatePartition") && actions.includes("kms:Decrypt"));
  });

  it("may use this table, the curated events and Glue's log group only", () => {
    const resources = statements("clickstream-crawler-role").flatMap(({ Resource }) => Resource);
    const known =
      /:catalog$|:database\/clickstream_test$|:table\/clickstream_test\/events$|:::clickstream-curated-id(\/events\/\*)?$|:log-group:\/aws-glue\/crawlers(:\*)?$|kms\/key:Key:clickstream-key$/;
    assert.deepEqual(
      resources.filter((resource) => !known.test(resource)),
      [],
    );
  });

  it("is started and looked at by the state machine, which waits for it", () => {
    const started = statements("clickstream-pipeline-role").filter(({ Action }) =>
      Action.some((action) => action.includes("Crawler")),
    );
    assert.deepEqual(
      started.map(({ Action }) => Action),
      [["glue:StartCrawler", "glue:GetCrawler"]],
    );
    const machine = program.named("aws:sfn/stateMachine:StateMachine", "clickstream-pipeline");
    const { States, TimeoutSeconds } = JSON.parse(String(machine.definition));
    assert.equal(States.RepairPartitions.Next, "CrawlTable");
    assert.match(String(program.outputs.crawlerName), /clickstream-crawler/);
    assert.ok(TimeoutSeconds >= 7200);
  });

  it("crawls the job's table in the way arrival, whose events are a view", async () => {
    const arriving = await evaluate({ crawler: "true", way: "arrival" });
    const { catalogTargets } = arriving.named("aws:glue/crawler:Crawler", "clickstream-crawler");
    assert.deepEqual(catalogTargets, [{ databaseName: "clickstream_test", tables: ["curated_events"] }]);
    const { tableType } = arriving.named("aws:glue/catalogTable:CatalogTable", "clickstream-events");
    assert.equal(tableType, "EXTERNAL_TABLE");
    const role = JSON.stringify(
      arriving.named("aws:iam/rolePolicy:RolePolicy", "clickstream-crawler-role").policy,
    );
    assert.match(role, /:table\/clickstream_test\/curated_events/);
    assert.doesNotMatch(role, /:table\/clickstream_test\/events|arrived/);
    const machine = arriving.named("aws:sfn/stateMachine:StateMachine", "clickstream-pipeline");
    const { States } = JSON.parse(String(machine.definition));
    assert.equal(States.RepairPartitions.Next, "CrawlTable");
    assert.ok("CheckArrival" in States);
  });

  it("is not there by default: no crawler, no state, no right", async () => {
    const plain = await evaluate();
    assert.deepEqual(plain.of("aws:glue/crawler:Crawler"), []);
    assert.equal(plain.outputs.crawlerName, "");
    const text = JSON.stringify(plain.resources.map(({ inputs }) => inputs));
    assert.doesNotMatch(text, /StartCrawler|CrawlTable"/);
  });
});
