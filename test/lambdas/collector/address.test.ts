// The privacy rule of addresses at the door: the same result as the Spark job's, on the same cases.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { networkOf, ruledAddress } from "../../../lambdas/collector/address";
import { Countries } from "../../../lambdas/collector/country";
import { COUNTRY_FILE } from "./api";

/** test/glue-scripts/test_privacy.py checks the job on them. */
const CASES: [string, string | null][] = JSON.parse(
  readFileSync(join(__dirname, "../../masked-addresses.json"), "utf8"),
);

/** The network of an IPv6 address by the parser of URLs, which writes it in its shortest form. */
function shortest(groups: number[]): string {
  const address = groups.map((group) => group.toString(16)).join(":");
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

describe("lambdas/collector/address", () => {
  it("masks as the job does", () => {
    assert.ok(CASES.length > 30);
    for (const [address, network] of CASES) assert.equal(networkOf(address) ?? null, network, address);
  });

  it("agrees with another implementation on addresses of all shapes", () => {
    for (let number = 0; number < 256; number += 1) {
      const groups = Array.from({ length: 8 }, (_, place) =>
        (number >> place) & 1 ? (number * (place + 3) * 40_503) % 65_536 : 0,
      );
      const network = shortest([...groups.slice(0, 3), 0, 0, 0, 0, 0]);
      const full = groups.map((group) => group.toString(16).padStart(4, "0")).join(":");
      assert.equal(networkOf(full), network, full);
      assert.equal(networkOf(shortest(groups)), network, shortest(groups));
    }
  });

  it("changes a masked address no more, since the job masks it again", () => {
    for (const [, network] of CASES) if (network !== null) assert.equal(networkOf(network), network);
  });

  it("takes no longer for a long text", () => {
    const started = process.hrtime.bigint();
    for (const unit of ["1.", "a:", "1:", "::", "%3A", "1.1.1.1:", "0000:", "%25", "\\n1."]) {
      assert.equal(networkOf(unit.repeat(100_000)), undefined, unit);
      networkOf(unit.repeat(Math.floor(1_000 / unit.length)));
    }
    assert.ok(Number(process.hrtime.bigint() - started) / 1e6 < 500);
  });

  it("keeps whole what the job hashes or keeps, and nothing of what is dropped", () => {
    const rules = ["keep", "hash", "mask", "drop"] as const;
    assert.deepEqual(
      rules.map((rule) => ruledAddress("203.0.113.77", rule)),
      ["203.0.113.77", "203.0.113.77", "203.0.113.0", undefined],
    );
    assert.deepEqual(
      rules.map((rule) => ruledAddress(3325256781, rule)),
      [3325256781, 3325256781, undefined, undefined],
    );
  });
});

describe("lambdas/collector/country", () => {
  const log: unknown[] = [];
  const countries = new Countries(COUNTRY_FILE, (entry) => log.push(entry));

  it("finds the country of a network, in IPv4 and IPv6", async () => {
    const expected: Record<string, string | undefined> = {
      "193.99.144.80": "DE",
      "::ffff:193.99.144.80": "DE",
      "193.99.144.80:443": "DE",
      "8.8.8.8": "US",
      "2001:4860:4860::8888": "US",
      "200.160.2.3": "BR",
      "127.0.0.1": undefined,
      "10.0.0.1": undefined,
      "203.0.113.7": undefined,
      "::1": undefined,
      "not an address": undefined,
      "": undefined,
    };
    for (const [address, country] of Object.entries(expected)) {
      assert.equal(await countries.of(address), country, address);
    }
    assert.equal(await countries.of(undefined), undefined);
    assert.deepEqual(log, []);
  });

  it("goes on without countries if the data set cannot be opened, and says so once", async () => {
    const broken = new Countries("/no/such/file.mmdb", (entry) => log.push(entry));
    assert.equal(await broken.of("8.8.8.8"), undefined);
    assert.equal(await broken.of("8.8.4.4"), undefined);
    assert.equal(log.length, 1);
  });
});
