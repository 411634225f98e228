// The collector's code behind a small HTTP server: requests become API Gateway's events, and CORS is answered as by an
// HTTP API with exact origins. What it stores is read by the ingest.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { scriptOf } from "../../lambdas/collector/answers";
import { bundleTracker } from "../../tracker/bundle";
import { Api, type Line } from "../lambdas/collector/api";

export interface Answered {
  request: string;
  status: number;
  events: number;
}

export class LocalCollector {
  api = new Api();
  readonly answered: Answered[] = [];
  url = "";
  private readonly server = createServer((request, response) => this.serve(request, response));

  /** Of one site, as `collectorOrigins` would have it. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    this.reset();
  }

  reset(): void {
    this.api = new Api();
    this.api.collector.script = () => scriptOf(Buffer.from(bundleTracker().code), "etag");
    this.answered.length = 0;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** By the real clock, as the browser's events have its times. */
  ingested(): ReturnType<Api["ingested"]> {
    return this.api.ingested(Date.now());
  }

  events(): Line[] {
    return this.ingested().accepted;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = request;
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "");
    response.setHeader("access-control-allow-credentials", "true");
    response.setHeader("access-control-expose-headers", "retry-after");
    if (method === "OPTIONS") {
      response.setHeader("access-control-allow-methods", "GET,POST");
      response.setHeader(
        "access-control-allow-headers",
        "authorization,content-type,sp-anonymous,x-retry-count",
      );
      return void response.writeHead(204).end();
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const before = this.api.kinesis.lines().length;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
    );
    const sent = { method, headers, body: Buffer.concat(chunks), arrivalMs: Date.now() };
    const answer = await this.api.send(url, sent);
    const events = this.api.kinesis.lines().length - before;
    this.answered.push({ request: `${method} ${url.split("?")[0]}`, status: answer.statusCode ?? 0, events });
    response.writeHead(answer.statusCode ?? 200, answer.headers as Record<string, string>);
    response.end(Buffer.from(answer.body ?? "", answer.isBase64Encoded ? "base64" : "utf8"));
  }
}
