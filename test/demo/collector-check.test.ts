// Whether a stack on AWS takes the shop's events, asked as a browser asks it, and the commands that change it.
import assert from "node:assert/strict";
import { checkCollector, NoCollector } from "../../demo/collector-check";

const SHOP = "http://127.0.0.1:8600";
const STACK = { stack: "dev", collectorUrl: "https://abc.example", shopOrigin: SHOP, origins: 2 };

/** A collector that allows some origins, as API Gateway answers a preflight request. */
function collector(...allowed: string[]) {
  const asked: { url: string; method?: string; headers: Record<string, string> }[] = [];
  const ask = (async (url: string, { method, headers }: RequestInit) => {
    const given = headers as Record<string, string>;
    asked.push({ url, ...(method === undefined ? {} : { method }), headers: given });
    const origin = given.origin ?? "";
    const isAllowed = allowed.includes(origin);
    return new Response(null, {
      status: 204,
      headers: isAllowed ? { "access-control-allow-origin": origin } : {},
    });
  }) as typeof fetch;
  return { ask, asked };
}

async function refusal(checked: Partial<typeof STACK>, ask: typeof fetch): Promise<string> {
  try {
    await checkCollector({ ...STACK, ...checked }, ask);
  } catch (error) {
    assert.ok(error instanceof NoCollector);
    return error.message;
  }
  assert.fail("no refusal");
}

describe("demo/collector-check", () => {
  it("asks as a browser would before a page's POST", async () => {
    const { ask, asked } = collector(SHOP);
    await checkCollector(STACK, ask);
    assert.deepEqual(asked, [
      {
        url: "https://abc.example/v1/events",
        method: "OPTIONS",
        headers: {
          origin: SHOP,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type",
        },
      },
    ]);
  });

  it("has the commands that turn the collector on", async () => {
    assert.equal(
      await refusal({ collectorUrl: "", origins: 0 }, collector().ask),
      "The collector of the stack dev is off. Turn it on, and let the shop send events to it:\n" +
        "  pulumi config set --stack dev collector true\n" +
        "  pulumi config set --stack dev --path 'collectorOrigins[0]' http://127.0.0.1:8600\n" +
        "  pulumi up --stack dev",
    );
  });

  it("has the commands that add the shop after the origins that are there", async () => {
    assert.equal(
      await refusal({}, collector("https://shop.example").ask),
      "The collector of the stack dev takes no events from pages of http://127.0.0.1:8600. Add it to the origins:\n" +
        "  pulumi config set --stack dev --path 'collectorOrigins[2]' http://127.0.0.1:8600\n" +
        "  pulumi up --stack dev\n" +
        "With --shop-port N, the shop has another origin.",
    );
  });

  it("says why the collector does not answer", async () => {
    const ask = (async () => {
      throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND abc.example") });
    }) as unknown as typeof fetch;
    assert.equal(
      await refusal({}, ask),
      "The collector https://abc.example does not answer: getaddrinfo ENOTFOUND abc.example.",
    );
  });
});
