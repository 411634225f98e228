// Sessions of the tracker: 30 minutes without an event end one.
import assert from "node:assert/strict";
import { sessionAt } from "../../tracker/session";

const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const newId = () => "new";

describe("tracker: session", () => {
  it("begins with the first event, with the campaign of its page", () => {
    assert.deepEqual(sessionAt(NOON, undefined, "utm_source=a", newId), [NOON, "new", "utm_source=a"]);
  });

  it("goes on until 30 minutes have passed without an event", () => {
    const stored = `${NOON} s1 utm_source=a`;
    const later = NOON + 30 * MINUTE - 1;
    assert.deepEqual(sessionAt(later, stored, "", newId), [later, "s1", "utm_source=a"]);
  });

  it("is another one after 30 minutes, and the campaign does not go over to it", () => {
    const later = NOON + 30 * MINUTE;
    assert.deepEqual(sessionAt(later, `${NOON} s1 utm_source=a`, "", newId), [later, "new", ""]);
  });

  it("takes the newest campaign of its pages", () => {
    const [, id, campaign] = sessionAt(NOON + MINUTE, `${NOON} s1 utm_source=a`, "utm_source=b", newId);
    assert.deepEqual([id, campaign], ["s1", "utm_source=b"]);
  });

  it("goes on when the clock is set back by a day", () => {
    const yesterday = NOON - 24 * 60 * MINUTE;
    assert.deepEqual(sessionAt(yesterday, `${NOON} s1 `, "", newId), [yesterday, "s1", ""]);
  });

  it("begins anew when what is stored cannot be read", () => {
    for (const stored of ["", "garbage", "{} []", "NaN s1"])
      assert.equal(sessionAt(NOON, stored, "", newId)[1], "new", stored);
  });
});
