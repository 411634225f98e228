import assert from "node:assert/strict";
import { type Area, anchor, areas, readArea } from "../../../cli/docs/decisions";

const ENTRY = "# Decisions: tests\n\n## 7. Tests are fast\n\nStatus: accepted\n\n**Decision.** They are.\n";

describe("cli/docs/decisions", () => {
  it("reads an entry's number, title and status, under a section or not", () => {
    const text = `${ENTRY}\n## Slow ones\n\n### 8. Slow tests are named\n\nStatus: superseded by 9\n\n**Why.** So.\n\n## Others\n`;
    const { title, decisions } = readArea("tests.md", text);
    assert.equal(title, "tests");
    assert.deepEqual(
      decisions.map(({ number, title, status }) => [number, title, status]),
      [
        [7, "Tests are fast", "accepted"],
        [8, "Slow tests are named", "superseded by 9"],
      ],
    );
    assert.ok(!decisions[0]?.text.includes("Slow"), "the next section is not part of the entry");
  });

  it("names the file and the entry that has no status, and the file that has no title", () => {
    assert.throws(
      () => readArea("a.md", ENTRY.replace("accepted", "maybe")),
      /a\.md, decision 7, needs a line/,
    );
    assert.throws(() => readArea("a.md", "## 7. Tests"), /a\.md must begin with/);
  });

  it("makes the anchors that GitHub makes", () => {
    assert.equal(anchor("12. A key's `hash` is HMAC, not MD5"), "12-a-keys-hash-is-hmac-not-md5");
    assert.equal(anchor("`s3:GetObject` on `raw`, `events`"), "s3getobject-on-raw-events");
  });
});

describe("docs/decisions", () => {
  const all: Area[] = areas();
  const decisions = all.flatMap((area) => area.decisions);

  it("gives each decision a number of its own", () => {
    const numbers = decisions.map(({ number }) => number);
    assert.ok(numbers.length > 140);
    assert.deepEqual(
      numbers.filter((number, index) => numbers.indexOf(number) !== index),
      [],
    );
  });

  it("says in each entry what was decided and why", () => {
    const lacking = decisions.filter(
      ({ text }) => !text.includes("\n**Decision.** ") || !text.includes("\n**Why.** "),
    );
    assert.deepEqual(
      lacking.map(({ number, title }) => `${number}. ${title}`),
      [],
    );
  });

  it("supersedes a decision only by one that exists", () => {
    for (const { number, status } of decisions) {
      const next = /^superseded by (\d+)$/.exec(status)?.[1];
      if (next)
        assert.ok(
          decisions.some((other) => other.number === Number(next)),
          `${number}: ${status}`,
        );
    }
  });

  it("has no entry that the index cannot see", () => {
    for (const { file, decisions: listed } of all) assert.ok(listed.length > 0, file);
  });
});
