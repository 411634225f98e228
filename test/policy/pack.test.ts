// The policy pack as the engine runs it: a process of its own that is given the stack's configuration and asked by gRPC.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "../..");
// What the SDK itself speaks to the engine with.
const SDK = createRequire(createRequire(__filename).resolve("@pulumi/pulumi/package.json"));
const grpc: typeof import("@grpc/grpc-js") = SDK("@grpc/grpc-js");
const { AnalyzerClient }: typeof import("@pulumi/pulumi/proto/analyzer_grpc_pb") =
  SDK("./proto/analyzer_grpc_pb");
const messages: typeof import("@pulumi/pulumi/proto/analyzer_pb") = SDK("./proto/analyzer_pb");
const { Struct }: typeof import("google-protobuf/google/protobuf/struct_pb") = SDK(
  "google-protobuf/google/protobuf/struct_pb.js",
);

/** A stack with one bucket, which is not protected and lacks a tag. */
function aStack(forceDestroy: boolean) {
  const bucket = new messages.AnalyzerResource();
  bucket.setType("aws:s3/bucket:Bucket");
  bucket.setUrn("urn:pulumi:dev::clickstream::aws:s3/bucket:Bucket::b");
  bucket.setName("b");
  const props = { forceDestroy, tags: { Project: "clickstream", Stack: "dev" } };
  bucket.setProperties(Struct.fromJavaScript(props));
  bucket.setOptions(new messages.AnalyzerResourceOptions());
  return bucket;
}

/** The names of the rules that the pack finds broken: by the resource itself, and by the stack that it is. */
async function brokenBy(bucket: ReturnType<typeof aStack>): Promise<{ itself: string[]; stack: string[] }> {
  const runner = SDK.resolve("./cmd/run-policy-pack");
  const pack = spawn(process.execPath, [runner, "no-engine", "policy"], {
    cwd: ROOT,
    env: { ...process.env, PULUMI_NODEJS_TYPESCRIPT: "false" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [port] = await once(pack.stdout, "data");
    const client = new AnalyzerClient(`127.0.0.1:${String(port).trim()}`, grpc.credentials.createInsecure());
    const resource = new messages.AnalyzeRequest();
    resource.setType(bucket.getType());
    resource.setUrn(bucket.getUrn());
    resource.setName(bucket.getName());
    resource.setProperties(bucket.getProperties());
    resource.setOptions(bucket.getOptions());
    const stack = new messages.AnalyzeStackRequest();
    stack.setResourcesList([bucket]);
    const found = {
      itself: await answered((done) => client.analyze(resource, done)),
      stack: await answered((done) => client.analyzeStack(stack, done)),
    };
    client.close();
    return found;
  } finally {
    pack.kill();
  }
}

type Answer = (error: Error | null, response: InstanceType<typeof messages.AnalyzeResponse>) => void;

function answered(ask: (done: Answer) => void): Promise<string[]> {
  return new Promise((done, fail) => {
    ask((error, response) => {
      if (error) fail(error);
      else done(response.getDiagnosticsList().map((found) => found.getPolicyname()));
    });
  });
}

describe("policy/pack", function () {
  this.timeout(60_000);

  it("asks for tags, for a bucket's companions, and for protection where destroy would not empty it anyway", async () => {
    const companions = [
      "buckets-private",
      "buckets-encrypted",
      "buckets-tls-only",
      "buckets-without-leftovers",
    ];
    const kept = await brokenBy(aStack(false));
    assert.deepEqual(kept, { itself: ["tagged"], stack: ["data-protected", ...companions] });
    assert.deepEqual((await brokenBy(aStack(true))).stack, companions);
  });
});
