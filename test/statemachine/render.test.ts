import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { render } from "../../statemachine/render";

const hole = (name: string) => `\${${name}}`;
const noFiles = (name: string): string => {
  throw new Error(`no such file: ${name}`);
};
const rendered = (template: unknown, values: Record<string, string | number>, read = noFiles) =>
  JSON.parse(render(JSON.stringify(template), values, read));

describe("statemachine/render", () => {
  it("puts text into text, and a number in the place of a whole placeholder", () => {
    assert.deepEqual(rendered({ a: [`x ${hole("Name")} y`], b: hole("Size") }, { Name: 'qu"ote', Size: 7 }), {
      a: ['x qu"ote y'],
      b: 7,
    });
  });

  it("escapes values for the JSONata string that they stand in", () => {
    assert.deepEqual(rendered({ a: `{% "${hole("Name")}" %}` }, { Name: 'qu"ote\\' }), {
      a: '{% "qu\\"ote\\\\" %}',
    });
  });

  it("puts JSONata files in on one line, without their opening comment, with their values and further files", () => {
    const files: Record<string, string> = {
      "mails/body": `/* What it is. */\n(\n  ${hole("mails/size")} & '${hole("Name")}'\n)\n`,
      "mails/size": `/* Size. */ ${hole("Size")}`,
    };
    assert.deepEqual(
      rendered(
        { a: `{% ${hole("mails/body")} %}` },
        { Name: "n", Size: 3 },
        (name) => files[name] ?? noFiles(name),
      ),
      { a: "{% ( 3 & 'n' ) %}" },
    );
  });

  it("puts fragments in as JSON, a list's items into the list around it, with their values", () => {
    const fragments: Record<string, string> = {
      "fragments/one": `{ "Name": "${hole("Name")}" }`,
      "fragments/two": `[{ "a": 1 }, { "a": ${JSON.stringify(hole("Size"))} }]`,
    };
    assert.deepEqual(
      rendered(
        { x: hole("fragments/one"), y: hole("fragments/two"), z: [{ own: true }, hole("fragments/two")] },
        { Name: "n", Size: 3 },
        (name) => fragments[name] ?? noFiles(name),
      ),
      { x: { Name: "n" }, y: [{ a: 1 }, { a: 3 }], z: [{ own: true }, { a: 1 }, { a: 3 }] },
    );
  });

  it("puts a fragment's members into the object around it, and fragments into fragments", () => {
    const fragments: Record<string, string> = {
      "fragments/backoff": '{ "Rate": 2, "Most": 5 }',
      "fragments/retry": `[{ "ErrorEquals": ["A"], "...": "${hole("fragments/backoff")}" }]`,
    };
    const retry = { ErrorEquals: ["A"], Rate: 2, Most: 5 };
    assert.deepEqual(
      rendered(
        { x: hole("fragments/retry"), y: { "...": hole("fragments/backoff"), Rate: 3 } },
        {},
        (name) => fragments[name] ?? noFiles(name),
      ),
      { x: [retry], y: { Rate: 3, Most: 5 } },
    );
  });

  it("makes a catcher for each list of errors", () => {
    const read = (name: string) => (name === "fragments/any" ? '[["A", "B"], ["C"]]' : noFiles(name));
    assert.deepEqual(
      rendered(
        {
          Catch: [
            { ErrorEquals: hole("fragments/any"), Next: "x" },
            { ErrorEquals: ["D"], Next: "y" },
          ],
        },
        {},
        read,
      ),
      {
        Catch: [
          { ErrorEquals: ["A", "B"], Next: "x" },
          { ErrorEquals: ["C"], Next: "x" },
          { ErrorEquals: ["D"], Next: "y" },
        ],
      },
    );
  });

  it("has what states catch and how they try again written once", () => {
    const folder = join(__dirname, "..", "..", "statemachine");
    const files = [
      "pipeline.asl.json",
      ...readdirSync(join(folder, "fragments")).map((name) => `fragments/${name}`),
    ];
    const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
    for (const part of [
      "States.ALL",
      "States.Runtime",
      "JitterStrategy",
      "MaxAttempts",
      "$exists($states.errorOutput",
    ]) {
      assert.equal(text.split(part).length - 1, 1, part);
    }
  });

  it("names every placeholder that has no value and every value that nothing uses", () => {
    assert.throws(() => rendered({ a: `${hole("One")} ${hole("Two")}` }, { Three: 3 }), {
      name: "RenderError",
      message: `The state machine cannot be rendered: ${hole("One")} has no value; ${hole("Two")} has no value; the value Three is not used.`,
    });
  });

  it("names a JSONata file that is not there", () => {
    assert.throws(
      () => rendered({ a: `{% ${hole("rules/none")} %}` }, {}),
      /uses \$\{rules\/none\}, but rules\/none cannot be read/,
    );
  });
});
