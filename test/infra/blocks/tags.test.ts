// A test of what the program declares: every resource that can have tags has the stack's.
import assert from "node:assert/strict";
import { InvalidConfiguration, readConfig } from "../../../infra/config/config";
import { evaluate, type Program } from "../program";
import { taggable } from "../taggable";

describe("infra/blocks/tags", () => {
  let program: Program;
  before(async () => {
    program = await evaluate({
      tags: '{"CostCenter":"data"}',
      customerKey: "true",
      privacy: '{"user_id":"hash"}',
      privacyHashKey: "a key of enough letters",
      failureEmails: '["ann@example.com"]',
    });
  });

  it("are on every resource of a type that the provider can tag, and on no other", () => {
    const types = { tagged: new Set<string>(), plain: new Set<string>() };
    for (const { type, name, inputs } of program.resources) {
      const can = taggable(type);
      types[can ? "tagged" : "plain"].add(type);
      const expected = { CostCenter: "data", Project: "clickstream", Stack: "test", ManagedBy: "Pulumi" };
      assert.deepEqual(inputs.tags, can ? expected : undefined, `${name} (${type})`);
    }
    // The reading of the declarations itself: one of each kind that is known by hand.
    assert.ok(types.tagged.has("aws:kinesis/stream:Stream") && types.tagged.size >= 13);
    assert.ok(types.plain.has("aws:iam/rolePolicy:RolePolicy") && types.plain.size >= 8);
  });

  it("of a team must be what every service takes, and cannot replace the program's own", () => {
    const read = (tags: unknown) => () =>
      readConfig("clickstream", { "clickstream:tags": JSON.stringify(tags) });
    assert.doesNotThrow(read({ "cost-center": "Größe 7/8 @ home", "": undefined }));
    const eight = Object.fromEntries([..."abcdefgh"].map((key) => [key, ""]));
    const wrong = [{ project: "x" }, { Owner: "a", owner: "b" }, { "aws:x": "a" }, { a: 1 }, { "a?": "b" }];
    for (const tags of [...wrong, eight, { a: "b".repeat(257) }, { "": "a" }, ["a"]]) {
      assert.throws(read(tags), InvalidConfiguration, JSON.stringify(tags));
    }
    assert.throws(
      read({ Stack: "x" }),
      /clickstream:tags must be an object of up to 7 tags: .* no key Project, Stack, ManagedBy or aws:\.\.\., got .* For example: pulumi config set --path clickstream:tags\.CostCenter data/,
    );
  });
});
