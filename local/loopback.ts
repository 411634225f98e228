// An HTTP server for the browser of this machine only: it listens on 127.0.0.1, and refuses requests that a page of
// another site makes or reads.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const LOOPBACK = "127.0.0.1";
const MAX_BODY_BYTES = 64 * 1024;

export interface Answer {
  status?: number;
  type: string;
  body: string | Buffer;
  headers?: Record<string, string>;
}

/** Answers a request, or takes over the response itself (a stream of events) and returns undefined. */
export type Route = (
  request: Asked,
  response: ServerResponse,
) => Answer | undefined | Promise<Answer | undefined>;

export interface Asked {
  method: string;
  url: URL;
  body: string;
  headers: IncomingMessage["headers"];
}

export interface RouteOptions {
  /** A page that a person opens, or that a frame shows: other sites may link to it. Other routes hold data. */
  isPage?: boolean;
  methods?: readonly string[];
}

export interface LoopbackOptions {
  /** 0 is a free port. */
  port: number;
  /** The option of the command that sets the port. */
  portOption?: string;
  /** Content-Security-Policy of every answer. */
  policy: () => string;
  /** Whether its pages say which page a visitor came from: to its own pages only. */
  referrer?: boolean;
}

export class PortTaken extends Error {
  constructor(port: number, option: string) {
    super(`Port ${port} on ${LOOPBACK} is in use. Choose another one with ${option}.`);
  }
}

export class LoopbackServer {
  private readonly routes = new Map<string, { route: Route; options: RouteOptions }>();
  private readonly server = createServer((request, response) => {
    this.handle(request, response).catch((error: unknown) => {
      // The message can hold what an event held, so it goes to the page of this machine only.
      const message = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else this.send(response, { status: 500, type: TEXT, body: `${message}\n` });
    });
  });

  constructor(private readonly options: LoopbackOptions) {}

  /** A path that ends with a slash is the route of every path below it that has none of its own. */
  on(path: string, route: Route, options: RouteOptions = {}): this {
    this.routes.set(path, { route, options });
    return this;
  }

  /** Returns the server's origin. */
  listen(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.server.once("error", (error: NodeJS.ErrnoException) =>
        reject(
          error.code === "EADDRINUSE"
            ? new PortTaken(this.options.port, this.options.portOption ?? "--port")
            : error,
        ),
      );
      this.server.listen(this.options.port, LOOPBACK, () => resolve(this.origin));
    });
  }

  get origin(): string {
    return `http://${LOOPBACK}:${this.port}`;
  }

  /** Ends open streams too. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    const found = this.find(url.pathname);
    const refusal = this.refusal(request, found?.options.isPage === true);
    if (refusal !== undefined) {
      this.send(response, { status: 403, type: TEXT, body: `${refusal}\n` });
      return;
    }
    if (found === undefined) {
      this.send(response, { status: 404, type: TEXT, body: "There is no such page.\n" });
      return;
    }
    const { methods = ["GET"] } = found.options;
    const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
    if (!methods.includes(method)) {
      const headers = { allow: methods.join(", ") };
      const body = `${method} is not allowed here, only ${methods.join(" and ")}.\n`;
      this.send(response, { status: 405, type: TEXT, body, headers });
      return;
    }
    const body = await bodyOf(request);
    if (body === undefined) {
      this.send(response, { status: 413, type: TEXT, body: `A body has at most ${MAX_BODY_BYTES} bytes.\n` });
      return;
    }
    const answer = await found.route({ method, url, body, headers: request.headers }, response);
    if (answer !== undefined) this.send(response, answer);
  }

  private find(path: string) {
    const exact = this.routes.get(path);
    if (exact !== undefined) return exact;
    for (let end = path.lastIndexOf("/"); end >= 0; end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)) {
      const below = end > 0 ? this.routes.get(path.slice(0, end + 1)) : undefined;
      if (below !== undefined) return below;
    }
    return undefined;
  }

  /**
   * Any site can make a browser send requests to this port, or give its own name the address 127.0.0.1 (DNS
   * rebinding). The browser says what it does in Host, Origin and Sec-Fetch-Site.
   */
  private refusal({ headers }: IncomingMessage, isPage: boolean): string | undefined {
    const hosts = [`${LOOPBACK}:${this.port}`, `localhost:${this.port}`];
    if (!hosts.includes(headers.host ?? "")) {
      return `The host must be ${hosts.join(" or ")}, got ${JSON.stringify(headers.host ?? "")}.`;
    }
    const { origin } = headers;
    if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`)) {
      return "Pages of other sites get no answer here.";
    }
    const site = headers["sec-fetch-site"];
    if (site === undefined || site === "same-origin" || site === "none") return undefined;
    if (isPage && headers["sec-fetch-mode"] === "navigate") return undefined;
    return "Pages of other sites get no answer here.";
  }

  private send(response: ServerResponse, { status = 200, type, body, headers }: Answer): void {
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      ...this.safeHeaders(),
      ...headers,
    });
    response.end(response.req.method === "HEAD" ? undefined : body);
  }

  /** The headers of every answer. */
  safeHeaders(): Record<string, string> {
    return {
      "content-security-policy": this.options.policy(),
      "x-content-type-options": "nosniff",
      "referrer-policy": this.options.referrer === true ? "same-origin" : "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    };
  }
}

const TEXT = "text/plain; charset=utf-8";

export function json(value: unknown, status = 200): Answer {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

/** Undefined if it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
