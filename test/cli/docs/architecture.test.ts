// The diagram of docs/architecture.md has every part that holds or moves data, and the ways that data takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FREE } from "../../../cli/cost/free";
import { diagram, isDrawn } from "../../../cli/docs/architecture";
import { declaredBy } from "../../../stack/configuration";
import { evaluate } from "../../infra/program";
import { everythingOn } from "../../local/everything-on";

const ROOT = join(__dirname, "..", "..", "..");

/** Each stage's component in the URNs of its resources. */
const COMPONENTS: Record<string, string> = {
  collect: "Collect",
  ingest: "Ingest",
  transform: "Process",
  catalog: "Catalog",
  notify: "Notify",
  orchestrate: "Orchestrate",
  observe: "Observe",
};

/** Of parts that are off by default. */
const MORE_COMPONENTS: Record<string, string[]> = {
  collect: ["::clickstream:index:Collector$"],
  catalog: ["::clickstream:index:Crawler$"],
};

async function urnsOfEverything(): Promise<string[]> {
  const values = Object.entries(everythingOn().values)
    .map(([key, value]) => [key.replace("clickstream:", ""), value] as const)
    .filter(([key]) => !key.includes(":"));
  return (await evaluate(Object.fromEntries(values))).urns;
}

/** Whether the stage's component itself makes the resource or block of that name. */
function makes(urns: readonly string[], stage: string, name: string): boolean {
  const own = `::clickstream:index:${COMPONENTS[stage]}$`;
  const owners = [own, ...(MORE_COMPONENTS[stage] ?? [])];
  return urns.some(
    (urn) => owners.some((owner) => urn.includes(owner)) && new RegExp(`::(clickstream-)?${name}$`).test(urn),
  );
}

/** What is billed and yet holds and moves no data of the pipeline: it watches, encrypts or names. */
const BESIDE = /log|[aA]larm|[dD]ashboard|kms|secret|topicSubscription|budget|catalogDatabase|namedQuery/;

describe("cli/docs/architecture", function () {
  this.timeout(60_000);

  it("draws every type that holds or moves data", async () => {
    const types = new Set((await declaredBy(everythingOn())).map(({ type }) => type));
    const missing = [...types].filter((type) => !isDrawn(type) && !(type in FREE) && !BESIDE.test(type));
    assert.deepEqual(missing, []);
  });

  it("draws the way of an event from the stream to the mail", async () => {
    const lines = diagram(await declaredBy(everythingOn())).map((line) => line.trim());
    for (const edge of [
      "Api_clickstream_collector -->|requests| Function_clickstream_collector",
      "Function_clickstream_collector -->|writes| Stream_clickstream_stream",
      "Function_clickstream_simulator -->|writes| Stream_clickstream_stream",
      "Stream_clickstream_stream -->|batches| Function_clickstream_ingest",
      "Function_clickstream_ingest -->|writes| Bucket_clickstream_raw",
      "Bucket_clickstream_raw -->|is read by| Job_clickstream_transform",
      "Job_clickstream_transform -->|writes| Bucket_clickstream_curated",
      "Bucket_clickstream_curated -->|files of| CatalogTable_clickstream_events",
      "Bucket_clickstream_raw -->|files of| CatalogTable_clickstream_quarantine",
      "Schedule_clickstream_schedule -->|starts| StateMachine_clickstream_pipeline",
      "StateMachine_clickstream_pipeline -->|starts| Job_clickstream_transform",
      "StateMachine_clickstream_pipeline -->|starts| Workgroup_clickstream_workgroup",
      "StateMachine_clickstream_pipeline -->|writes| Topic_PipelineSuccess",
      "StateMachine_clickstream_pipeline -->|writes| Topic_PipelineFailure",
    ]) {
      assert.ok(lines.includes(edge), edge);
    }
    const drawn = lines.filter((line) => /^\w+(\[|\(|\{|>)/.test(line)).length;
    const nodes = (await declaredBy(everythingOn())).filter(({ type }) => isDrawn(type)).length;
    assert.equal(drawn, nodes, "each resource is in a stage");
  });

  it("draws each resource in the stage that makes it", async () => {
    const urns = await urnsOfEverything();
    let stage = "";
    const wrong: string[] = [];
    for (const line of diagram(await declaredBy(everythingOn()))) {
      stage = /^ {2}subgraph (\w+)$/.exec(line)?.[1] ?? stage;
      const name = /<br>([\w-]+)"/.exec(line)?.[1];
      if (name !== undefined && !makes(urns, stage, name)) wrong.push(`${stage}: ${name}`);
    }
    assert.deepEqual(wrong, []);
  });

  it("names in its table the stages, and the resources that each makes", async () => {
    const urns = await urnsOfEverything();
    const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
    const rows = (text.split("\n## Stages and code\n")[1] ?? "")
      .split("\n## ")[0]
      ?.split("\n")
      .filter((line) => line.startsWith("| ") && !/^\| (stage|---)/.test(line))
      .map((line) => line.split(" | "));
    assert.deepEqual(rows?.map(([stage = ""]) => stage.slice(2)).sort(), Object.keys(COMPONENTS).sort());
    for (const [stage = "", , , resources = ""] of rows ?? []) {
      const names = [...resources.matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name);
      assert.ok(names.length > 0, stage);
      for (const name of names) assert.ok(makes(urns, stage.slice(2), name), `${stage} ${name}`);
    }
  });
});
