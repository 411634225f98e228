// The diagram of docs/architecture.md has every part that holds or moves data, and the ways that data takes.
import assert from "node:assert/strict";
import { FREE } from "../../../cli/cost/free";
import { diagram, isDrawn } from "../../../cli/docs/architecture";
import { declaredBy } from "../../../stack/configuration";
import { everythingOn } from "../../local/everything-on";

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
    assert.equal(drawn, nodes, "each resource stands in a stage");
  });
});
