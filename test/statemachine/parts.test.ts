import assert from "node:assert/strict";
import { withParts } from "../../statemachine/parts";

const TEMPLATE = {
  StartAt: "Begin",
  States: {
    Begin: { Type: "Pass", Assign: { a: 1 }, Next: "Work" },
    Work: {
      Type: "Task",
      Catch: [{ ErrorEquals: ["X"], Next: "Check" }, "${fragments/catch"],
      Next: "Check",
    },
    Check: { Type: "Choice", Choices: [{ Condition: "old", Next: "Done" }], Default: "Work" },
    Done: { Type: "Succeed" },
  },
};

const merged = (...parts: object[]) =>
  JSON.parse(
    withParts(
      JSON.stringify(TEMPLATE),
      parts.map((part, i) => [`p${i + 1}`, JSON.stringify({ Comment: "A part.", ...part })]),
    ),
  );

describe("statemachine/parts", () => {
  it("leaves the template as it is without a part", () => {
    const text = JSON.stringify(TEMPLATE);
    assert.equal(withParts(text, []), text);
  });

  it("adds states and points every transition of a state that led elsewhere to them", () => {
    const { States } = merged({
      States: { Crawl: { Type: "Task", Next: "Check" } },
      Reroute: [{ State: "Work", From: "Check", To: "Crawl" }],
    });
    assert.equal(States.Work.Next, "Crawl");
    assert.deepEqual(States.Work.Catch, [{ ErrorEquals: ["X"], Next: "Crawl" }, "${fragments/catch"]);
    assert.deepEqual(States.Crawl, { Type: "Task", Next: "Check" });
    assert.equal(States.Begin.Next, "Work");
  });

  it("puts choices first, adds variables, and removes states", () => {
    const { States } = merged({
      States: { Other: { Type: "Pass", Next: "Check" } },
      Choices: { Check: [{ Condition: "new", Next: "Other" }] },
      Assign: { Begin: { b: {} } },
      Remove: ["Work"],
      Reroute: [
        { State: "Begin", From: "Work", To: "Check" },
        { State: "Check", From: "Work", To: "Done" },
      ],
    });
    assert.deepEqual(States.Check, {
      Type: "Choice",
      Choices: [
        { Condition: "new", Next: "Other" },
        { Condition: "old", Next: "Done" },
      ],
      Default: "Done",
    });
    assert.deepEqual(States.Begin, { Type: "Pass", Assign: { a: 1, b: {} }, Next: "Check" });
    assert.equal(States.Work, undefined);
  });

  it("merges a second part into what the first one made", () => {
    const { States } = merged(
      {
        States: { One: { Type: "Pass", Next: "Check" } },
        Reroute: [{ State: "Work", From: "Check", To: "One" }],
      },
      {
        States: { Two: { Type: "Pass", Next: "Check" } },
        Reroute: [{ State: "One", From: "Check", To: "Two" }],
      },
    );
    assert.deepEqual([States.Work.Next, States.One.Next, States.Two.Next], ["One", "Two", "Check"]);
  });

  it("names the part and what does not fit", () => {
    const add = { Type: "Pass", Next: "Done" };
    const cases: [object, string][] = [
      [{ States: { Work: add } }, "adds the state Work, which exists already"],
      [
        { Reroute: [{ State: "None", From: "Done", To: "Work" }] },
        "names the state None, which does not exist",
      ],
      [
        { Reroute: [{ State: "Begin", From: "Done", To: "Work" }] },
        "reroutes Begin, which does not lead to Done",
      ],
      [{ Choices: { Work: [] } }, "adds choices to Work, which is no Choice state"],
      [{ Assign: { Begin: { a: 2 } } }, "assigns a in Begin, which assigns it already"],
      [{ Remove: ["None"] }, "names the state None, which does not exist"],
      [{ Remove: ["Work"] }, "leaves Begin leading to Work, which does not exist"],
      [{ States: { Alone: add } }, "leaves nothing that leads to Alone"],
      [{ Redirect: [] }, "has Redirect, which no part can have"],
    ];
    for (const [part, problem] of cases) {
      assert.throws(() => merged(part), {
        name: "PartError",
        message: `The part p1 of the state machine ${problem}.`,
      });
    }
  });
});
