// How long the tracker waits before it tries again.
import assert from "node:assert/strict";
import { retryDelay } from "../../tracker/backoff";

const NOW = Date.UTC(2026, 0, 5, 12);

describe("tracker: retry delay", () => {
  it("doubles with each try, up to five minutes, between half of it and all of it", () => {
    assert.deepEqual(
      [0, 1, 2, 3, 8, 9, 400].map((tries) => retryDelay(tries, null, NOW, 0)),
      [500, 1000, 2000, 4000, 128_000, 150_000, 150_000],
    );
    assert.deepEqual(
      [0, 1, 9].map((tries) => retryDelay(tries, null, NOW, 1)),
      [1000, 2000, 300_000],
    );
  });

  it("is never shorter than Retry-After, in seconds or as a date", () => {
    assert.equal(retryDelay(0, "120", NOW, 0), 120_500);
    assert.equal(retryDelay(0, "Mon, 05 Jan 2026 12:01:00 GMT", NOW, 0), 60_500);
  });

  it("does not read a Retry-After that is no time, or is over", () => {
    for (const header of ["soon", "", "0", "-5", "Mon, 05 Jan 2026 11:00:00 GMT"])
      assert.equal(retryDelay(0, header, NOW, 0), 500, header);
  });

  it("is an hour at most", () => {
    assert.equal(retryDelay(0, "1000000", NOW, 0), 3_600_000);
  });
});
