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

/** A bucket that is not protected and lacks a tag. */
function aBucket() {
  const request = new messages.AnalyzeRequest();
  request.setType("aws:s3/bucket:Bucket");
  request.setUrn("urn:pulumi:dev::clickstream::aws:s3/bucket:Bucket::b");
  request.setName("b");
  request.setProperties(Struct.fromJavaScript({ tags: { Project: "clickstream", Stack: "dev" } }));
  request.setOptions(new messages.AnalyzerResourceOptions());
  return request;
}

/** The names of the rules that the pack finds broken by it. */
async function brokenBy(request: ReturnType<typeof aBucket>, config: object): Promise<string[]> {
  const runner = SDK.resolve("./cmd/run-policy-pack");
  const pack = spawn(process.execPath, [runner, "no-engine", "policy"], {
    cwd: ROOT,
    env: {
      ...process.env,
      PULUMI_NODEJS_TYPESCRIPT: "false",
      PULUMI_NODEJS_PROJECT: "clickstream",
      PULUMI_NODEJS_STACK: "dev",
      PULUMI_CONFIG: JSON.stringify(config),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [port] = await once(pack.stdout, "data");
    const client = new AnalyzerClient(`127.0.0.1:${String(port).trim()}`, grpc.credentials.createInsecure());
    return await new Promise((done, fail) => {
      client.analyze(request, (error, response) => {
        client.close();
        if (error) fail(error);
        else done(response.getDiagnosticsList().map((found) => found.getPolicyname()));
      });
    });
  } finally {
    pack.kill();
  }
}

describe("policy/pack", function () {
  this.timeout(60_000);

  it("asks for tags, and for the protection of data as the stack's configuration says", async () => {
    assert.deepEqual(await brokenBy(aBucket(), {}), ["tagged", "data-protected"]);
    assert.deepEqual(await brokenBy(aBucket(), { "clickstream:allowDataLoss": "true" }), ["tagged"]);
  });
});
