// The report's page: complete in itself, safe whatever the events hold, and readable by a screen reader.
import assert from "node:assert/strict";
import { parseHTML } from "linkedom";
import { numbersOf } from "../../../cli/report/numbers";
import { pageOf } from "../../../cli/report/page";
import { ANSWERS, DATES, EMPTY, HOSTILE, NOW } from "./answers";

interface Node {
  tagName: string;
  id: string;
  textContent: string;
  attributes: Iterable<{ name: string; value: string }>;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Node | null;
  querySelectorAll(selector: string): Node[];
}

const text = pageOf(numbersOf("dev", DATES, ANSWERS, NOW));
const page = parse(text);

function parse(source: string): Node {
  return (parseHTML(source) as unknown as { document: Node }).document;
}

const all = (selector: string, within: Node = page) => [...within.querySelectorAll(selector)];
const only = (selector: string, within: Node = page): Node => {
  const found = within.querySelector(selector);
  assert.ok(found, selector);
  return found;
};

describe("cli/report/page", () => {
  it("runs no script and loads nothing, whatever the events hold", () => {
    assert.deepEqual(
      all("script, img, iframe, link, object, embed, base, form, audio, video, image, use"),
      [],
    );
    const attributes = all("*").flatMap((node) => [...node.attributes]);
    assert.deepEqual(
      attributes.filter(({ name }) => name.startsWith("on") || name === "src" || name === "srcset"),
      [],
    );
    const links = all("a").map((link) => link.getAttribute("href") ?? "");
    assert.ok(links.length > 5 && links.every((link) => link.startsWith("#")), links.join(" "));
    assert.doesNotMatch(only("style").textContent, /url\(|@import/);
    const policy = only('meta[http-equiv="Content-Security-Policy"]').getAttribute("content") ?? "";
    assert.match(policy, /^default-src 'none'; style-src 'unsafe-inline';/);
  });

  it("shows hostile titles, pages and campaigns as the text that they are", () => {
    const cells = all("td, th").map(({ textContent }) => textContent);
    for (const shown of [HOSTILE.title, HOSTILE.image, HOSTILE.campaign])
      assert.ok(cells.includes(shown), shown);
    assert.ok(cells.includes(HOSTILE.url.slice("shop.example.com".length)));
    // Also in the plots.
    assert.ok(all("svg text").some(({ textContent }) => textContent === HOSTILE.image));
  });

  it("cuts what is very long, and has no character that a document must not have", () => {
    const longest = Math.max(...all("td, th, svg text").map(({ textContent }) => textContent.length));
    assert.ok(longest <= 200, `${longest} characters`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\ud800-\udfff]/);
  });

  it("keeps text that reads from right to left to its own cell", () => {
    const cell = all("td, th").find(({ textContent }) => textContent === "מנורה");
    assert.equal(cell && only("bdi", cell).textContent, "מנורה");
  });

  it("gives each plot a title and a description of its own, and each section a table", () => {
    const plots = all("svg");
    assert.ok(plots.length >= 20, `${plots.length} plots`);
    for (const plot of plots) {
      assert.equal(plot.getAttribute("role"), "img");
      const [title = "", description = ""] = (plot.getAttribute("aria-labelledby") ?? "").split(" ");
      assert.equal(all(`#${title}`).length, 1);
      assert.ok(only(`#${title}`).textContent.length > 4);
      assert.ok(only(`#${description}`).textContent.length > 20);
    }
    const ids = all("[id]").map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const section of all("main > section").filter(({ id }) => id !== "method")) {
      assert.ok(all("table", section).length > 0, section.id);
      assert.ok(all("figure figcaption", section).length > 0, section.id);
      assert.ok(all("table", section).every((table) => only("caption", table).textContent !== ""));
      assert.ok(all("thead th", section).every((head) => head.getAttribute("scope") === "col"));
    }
  });

  it("draws each plot for a wide page and for a phone", () => {
    const widths = (kind: string) =>
      all(`.plot.${kind} svg`).map((plot) => Number(plot.getAttribute("width")));
    assert.equal(widths("wide").length, widths("narrow").length);
    assert.ok(widths("narrow").every((width) => width <= 360));
  });

  it("marks a day without data, and draws no zero for it", () => {
    const traffic = only("#traffic");
    const row = all("tbody tr", traffic).find(({ textContent }) => textContent.includes("2026-11-24"));
    assert.ok(row?.textContent.includes("no data"));
    assert.ok(!/\b0\b/.test(row?.textContent.replace("2026-11-24 Tue", "") ?? "0"));
    const [lines, events] = all(".plot.wide svg", traffic);
    assert.ok(lines && events);
    // Two days with data: two dots a line, and no line between them. Two bars, and the band of the day without data.
    assert.equal(all('[aria-label="dot"] circle', lines).length, 4);
    for (const line of all('[aria-label="line"] path', lines))
      assert.doesNotMatch(line.getAttribute("d") ?? "", /L/);
    assert.equal(all('[aria-label="rect"] rect', events).length, 3);
    assert.ok(all("text", events).some(({ textContent }) => textContent === "no data"));
    assert.match(only("header .warning").textContent, /^1 day has no data: 24 Nov\./);
  });

  it("says how many left the funnel, and who bought without going through it", () => {
    const rows = all("#funnel tbody tr").map((row) =>
      all("th, td", row).map(({ textContent }) => textContent),
    );
    assert.deepEqual(rows[1], ["Product view", "10", "50.0 %", "50.0 %", "10", "12"]);
    assert.deepEqual(rows[4], ["Purchase", "2", "10.0 %", "50.0 %", "2", "3"]);
    assert.ok(
      all("#funnel svg text").some(({ textContent }) => textContent === "↓ 10 (50.0 %) went no further"),
    );
  });

  it("says what is left out, and what it cost", () => {
    const method = only("#method").textContent;
    assert.match(method, /7 events of programs/);
    assert.match(method, /3 events came without one/);
    assert.match(
      method,
      /9 queries read 12\.3 MB .* bills at least 10 MB a query: 93 MB, \$0\.00046 at \$5\.00 a TB/,
    );
    assert.match(only("footer").textContent, /Made 2026-11-25 12:00 UTC from 9 queries that read 12\.3 MB/);
  });

  it("says so if nothing is in the dates, and still has the sections on the data", () => {
    const empty = parse(pageOf(numbersOf("dev", DATES, EMPTY, NOW)));
    assert.match(
      only("header .warning", empty).textContent,
      /^The table events has no row from 2026-11-23 to 2026-11-25\./,
    );
    assert.deepEqual(
      all("main > section", empty).map(({ id }) => id),
      ["quarantine", "freshness", "method"],
    );
  });

  it("draws a report of one day and one of a year", () => {
    const rows = { ...ANSWERS.rows, retention: ANSWERS.rows.retention.slice(2, 3) };
    const today = { from: "2026-11-25", to: "2026-11-25" };
    const one = parse(pageOf(numbersOf("dev", today, { ...ANSWERS, rows }, NOW)));
    assert.match(only("#retention", one).textContent, /about one day only, so nobody could return/);
    const year = pageOf(numbersOf("dev", { from: "2025-11-25", to: "2026-11-25" }, ANSWERS, NOW));
    assert.equal(all("#traffic tbody tr", parse(year)).length, 366);
    assert.ok(year.length < 1_500_000, `${year.length} characters`);
  });
});
