// The demo shop's server: its pages, the choice of the tracker, and what its pages may load.
import assert from "node:assert/strict";
import { html } from "../../cli/report/markup";
import { catalogue } from "../../demo/catalogue";
import { ShopServer } from "../../demo/shop-server";
import { TRACKERS } from "../../demo/trackers";
import { Traffic } from "../../lambdas/simulator/traffic";
import type { ClickstreamEvent } from "../../schema/event";

function simulated(events: number): ClickstreamEvent[] {
  const none = { duplicates: 0, malformed: 0, late: 0, pii: 0 };
  const traffic = new Traffic({ events, seed: 7, startMs: Date.parse("2026-11-21T09:00:00Z"), ...none });
  return Array.from(traffic.lines(), ({ text }) => JSON.parse(text) as ClickstreamEvent);
}

const COLLECTOR = "https://abc.execute-api.eu-west-1.amazonaws.com";
const FRAME = "http://127.0.0.1:4000";

let shop: ShopServer;
let origin: string;

async function page(path: string, cookie = ""): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`${origin}${path}`, { headers: { cookie }, redirect: "manual" });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

describe("demo/shop-server", () => {
  before(async () => {
    shop = new ShopServer(0, "--shop-port");
    origin = await shop.listen();
    assert.equal((await page("/")).status, 503, "before there is a collector");
    shop.open({ collectorUrl: COLLECTOR, writeKey: "key-of-16-letters", frame: FRAME });
  });

  after(() => shop.close());

  it("sells the products of the simulated traffic, under the same addresses", () => {
    const sent = simulated(2_000).filter(({ product_id }) => product_id !== undefined);
    assert.ok(sent.length > 100);
    for (const { product_id, product_name, product_category, product_price, page_url, event_type } of sent) {
      const product = catalogue().productWith(product_id as string);
      assert.deepEqual(product?.fields, { product_id, product_name, product_category, product_price });
      if (event_type === "product_view") assert.equal(product?.path, new URL(page_url as string).pathname);
    }
  });

  it("has no link that leads nowhere", async () => {
    const seen = new Map<string, number>();
    const queue = ["/"];
    for (let path = queue.pop(); path !== undefined && seen.size < 60; path = queue.pop()) {
      const { status, text } = await page(path);
      seen.set(path, status);
      const links = [...text.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, link]) => link as string);
      for (const link of links) if (!seen.has(link) && !/^\/(picture|shop-)/.test(link)) queue.push(link);
      const picture = links.find((link) => link.startsWith("/picture/"));
      if (picture !== undefined)
        assert.equal((await page(picture)).headers.get("content-type"), "image/svg+xml");
    }
    assert.deepEqual(
      [...seen].filter(([, status]) => status !== 200),
      [],
    );
    for (const path of ["/cart", "/checkout", "/checkout/thank-you"]) {
      assert.equal((await page(path)).status, 200, path);
    }
    for (const path of ["/nowhere", "/product/none", "/picture/none.svg", "/picture/", "/category/"]) {
      assert.equal((await page(path)).status, 404, path);
    }
  });

  it("lets its pages load from itself and the collector only, and be shown in the demo's page only", async () => {
    const { headers, text } = await page("/");
    assert.equal(
      headers.get("content-security-policy"),
      `default-src 'none'; script-src 'self' ${COLLECTOR}; connect-src 'self' ${COLLECTOR}; ` +
        `img-src 'self' data: ${COLLECTOR}; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors ${FRAME}`,
    );
    assert.equal(headers.get("referrer-policy"), "same-origin");
    const addresses = [...text.matchAll(/(?:href|src)="(\w+:\/\/[^"]*)"/g)].map(([, address]) => address);
    assert.deepEqual(addresses, [`${COLLECTOR}/clickstream.js`]);
    assert.doesNotMatch(text, /<script(?![^>]*src=)|style=|onclick/);
  });

  it("can be switched between the four trackers", async () => {
    for (const { name, title } of TRACKERS) {
      const chosen = await fetch(`${origin}/tracker?name=${name}`, {
        redirect: "manual",
        headers: { referer: `${origin}/cart?x=1` },
      });
      assert.equal(chosen.status, 303);
      assert.equal(chosen.headers.get("location"), "/cart");
      const cookie = chosen.headers.get("set-cookie")?.split(";")[0];
      const { text } = await page("/cart", `other=1; ${cookie}`);
      assert.ok(text.includes(`<script src="/shop-${name}.js" defer></script>`), name);
      assert.ok(
        text.includes(`<option value="${name}" selected>${title.replace("'", "&#39;")}</option>`),
        name,
      );
      assert.equal(text.includes("/clickstream.js"), name === "clickstream");
      const script = await page(`/shop-${name}.js`);
      assert.equal(script.status, 200);
      assert.ok(script.text.length > 1_000);
    }
    assert.equal((await page("/tracker?name=ga")).status, 400);
    // A redirect never leads to another site.
    const away = await fetch(`${origin}/tracker?name=segment`, {
      redirect: "manual",
      headers: { referer: "https://elsewhere.example//evil.example/x" },
    });
    assert.equal(away.headers.get("location"), "/");
    assert.ok((await page("/", "shop-tracker=nonsense")).text.includes("/shop-clickstream.js"));
  });

  it("escapes what it shows", () => {
    const text = `<b a="1" c='2'>&`;
    assert.equal(html`<i>${text}</i>`.text, "<i>&#60;b a=&#34;1&#34; c=&#39;2&#39;&#62;&#38;</i>");
    assert.equal(html`${[1, html`<b>`, undefined]}`.text, "1<b>");
  });
});
