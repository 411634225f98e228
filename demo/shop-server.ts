// Serves the demo shop on 127.0.0.1. Its pages may load from this server and from the collector, and from no vendor.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pageScript } from "../cli/browser/page-script";
import { type Answer, type Asked, LoopbackServer } from "../local/loopback";
import { catalogue } from "./catalogue";
import { MISSING, pageAt, render, type Setting, trackerOf } from "./pages";
import { picture } from "./picture";
import { TRACKERS, type Tracker, trackerNamed } from "./trackers";

const HTML = "text/html; charset=utf-8";

export class ShopServer {
  private readonly server: LoopbackServer;
  private collectorUrl = "";
  private writeKey = "";
  private frame = "'none'";

  constructor(port: number, portOption: string) {
    this.server = new LoopbackServer({ port, portOption, policy: () => this.policy(), referrer: true });
    for (const { name } of TRACKERS) this.server.on(`/shop-${name}.js`, () => scriptOf(name));
    this.server.on("/style.css", () => ({
      type: "text/css; charset=utf-8",
      body: readFileSync(join(__dirname, "style.css")),
    }));
    this.server.on("/picture/", ({ url }) => pictureAt(url.pathname));
    this.server.on(
      "/tracker",
      ({ url, headers }) => switched(url.searchParams.get("name"), headers.referer),
      { isPage: true },
    );
    this.server.on("/", (asked) => this.page(asked), { isPage: true });
    for (const path of ["/category/", "/product/", "/cart", "/checkout", "/checkout/"]) {
      this.server.on(path, (asked) => this.page(asked), { isPage: true });
    }
  }

  /** Returns the shop's origin, which the collector has to allow. */
  listen(): Promise<string> {
    return this.server.listen();
  }

  /** From now on, the pages send events to the collector, and `frame` may show them. */
  open({ collectorUrl, writeKey, frame }: { collectorUrl: string; writeKey?: string; frame: string }): void {
    this.collectorUrl = collectorUrl;
    this.writeKey = writeKey ?? "";
    this.frame = frame;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private page({ url, headers }: Asked): Answer {
    if (this.collectorUrl === "") {
      return { status: 503, type: "text/plain; charset=utf-8", body: "The stack is not ready yet.\n" };
    }
    const page = pageAt(url.pathname);
    const setting: Setting = {
      tracker: trackerOf(headers.cookie),
      collectorUrl: this.collectorUrl,
      writeKey: this.writeKey,
    };
    return { status: page === undefined ? 404 : 200, type: HTML, body: render(page ?? MISSING, setting) };
  }

  private policy(): string {
    const collector = this.collectorUrl === "" ? "" : ` ${new URL(this.collectorUrl).origin}`;
    return (
      `default-src 'none'; script-src 'self'${collector}; connect-src 'self'${collector}; ` +
      `img-src 'self' data:${collector}; style-src 'self'; form-action 'self'; base-uri 'none'; ` +
      `frame-ancestors ${this.frame}`
    );
  }
}

function pictureAt(path: string): Answer | undefined {
  const product = catalogue().productWith(/^\/picture\/([\w-]+)\.svg$/.exec(path)?.[1] ?? "");
  if (product === undefined) return { status: 404, type: "text/plain", body: "There is no such picture.\n" };
  const { product_id, product_category } = product.fields;
  return { type: "image/svg+xml", body: picture(product_id, product_category) };
}

/** Keeps the choice in a cookie, so that the next page has the script of that tracker. */
function switched(name: string | null, from: string | undefined): Answer {
  const tracker = trackerNamed(name);
  if (tracker === undefined) {
    const allowed = TRACKERS.map((each) => each.name).join(", ");
    return { status: 400, type: "text/plain; charset=utf-8", body: `name must be one of ${allowed}.\n` };
  }
  // A path only, and none that a browser reads as an address of another site.
  const path = from !== undefined && URL.canParse(from) ? new URL(from).pathname : "/";
  const location = path.startsWith("//") ? "/" : path;
  const cookie = `shop-tracker=${tracker.name}; Path=/; SameSite=Lax; HttpOnly`;
  return { status: 303, type: "text/plain", body: "", headers: { location, "set-cookie": cookie } };
}

function scriptOf(name: Tracker["name"]): Answer {
  return {
    type: "text/javascript; charset=utf-8",
    body: pageScript(join(__dirname, "browser", `${name}.ts`)),
  };
}
