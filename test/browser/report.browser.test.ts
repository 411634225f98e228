// The report in a real browser: on a phone, on a wide screen, in the dark and on paper, with hostile events in it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchBrowser } from "../../cli/browser/launch";
import { numbersOf } from "../../cli/report/numbers";
import { pageOf } from "../../cli/report/page";
import { ANSWERS, DATES, NOW } from "../cli/report/answers";

/** The smallest phones in use. */
const PHONE = { width: 320, height: 640 };
const SCREEN = { width: 1280, height: 900 };

const COLOURS = [
  ...(["--card", "--paper", "--ink", "--soft", "--missing", "--warn", "--warn-paper"] as const),
  ...(["--first", "--second", "--quiet", "--on-first"] as const),
] as const;
type Colour = (typeof COLOURS)[number];

/** The contrast ratio of WCAG 2.2, of two colours such as #0072b2. */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.slice(1).match(/../g) ?? [])
    .map((part) => Number.parseInt(part, 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe("the report in a browser", function () {
  this.timeout(30_000);
  let folder: string;
  let address: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  const said: string[] = [];
  const asked: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "report-"));
    const file = join(folder, "report.html");
    writeFileSync(file, pageOf(numbersOf("dev", DATES, ANSWERS, NOW)));
    address = pathToFileURL(file).href;
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    said.length = 0;
    asked.length = 0;
    context = await browser.newContext();
    page = await context.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("dialog", (dialog) => {
      said.push(dialog.message());
      void dialog.dismiss();
    });
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(address);
  });
  afterEach(() => context.close());

  /** The visible plots: their widths on the page, and the size of their smallest text. */
  const plots = () =>
    page.locator("svg:visible").evaluateAll((all) =>
      all.map((plot) => {
        const { width, right } = plot.getBoundingClientRect();
        const scale = width / Number(plot.getAttribute("width"));
        const sizes = [...plot.querySelectorAll("text")].map((text) =>
          Number.parseFloat(getComputedStyle(text).fontSize),
        );
        return { width, right, smallest: Math.min(...sizes, 99) * scale };
      }),
    );
  const scrollsSideways = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  it("asks for nothing, runs nothing and reports no error", async () => {
    await page.waitForTimeout(200);
    assert.deepEqual(asked, [address]);
    assert.deepEqual(said, []);
  });

  for (const [name, viewport] of Object.entries({ PHONE, SCREEN })) {
    it(`fits ${name}, with text in the plots that can be read, also with all tables open`, async () => {
      await page.setViewportSize(viewport);
      await page.locator("details:not([open]) summary").evaluateAll((all) => {
        for (const one of all) (one as HTMLElement).click();
      });
      assert.equal(await scrollsSideways(), 0);
      const found = await plots();
      assert.ok(found.length >= 14, `${found.length} plots`);
      for (const { width, right, smallest } of found) {
        assert.ok(width > 200 && right <= viewport.width, `${width} wide, up to ${right}`);
        assert.ok(smallest >= 9, `${smallest} pixels`);
      }
    });
  }

  it("follows the reader's choice of light and dark, with enough contrast for text in both", async () => {
    const colours = async () => {
      const values = await page.evaluate(
        (names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue(name)),
        [...COLOURS],
      );
      const of = Object.fromEntries(COLOURS.map((name, place) => [name, values[place]?.trim() ?? ""]));
      const between = (one: Colour, other: Colour) => contrast(of[one] ?? "", of[other] ?? "");
      return {
        card: of["--card"],
        texts: [
          ...[between("--ink", "--card"), between("--soft", "--card"), between("--soft", "--paper")],
          ...[
            between("--soft", "--missing"),
            between("--warn", "--warn-paper"),
            between("--on-first", "--first"),
          ],
        ],
        marks: [between("--first", "--card"), between("--second", "--card"), between("--first", "--quiet")],
      };
    };
    await page.emulateMedia({ colorScheme: "light" });
    const light = await colours();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await colours();
    assert.notEqual(light.card, dark.card);
    // WCAG 2.2: 4.5 for text, 3 for what has to be told apart.
    for (const { texts, marks } of [light, dark]) {
      assert.ok(Math.min(...texts) >= 4.5, texts.join(", "));
      assert.ok(Math.min(...marks) >= 3, marks.join(", "));
    }
  });

  it("prints all tables with their names, and the wide plots", async () => {
    await page.emulateMedia({ media: "print" });
    const closed = page.locator("details:not([open]) table");
    assert.ok((await closed.count()) > 5);
    for (const height of await closed.evaluateAll((all) =>
      all.map((one) => one.getBoundingClientRect().height),
    ))
      assert.ok(height > 20, `${height} pixels high`);
    assert.equal(await page.locator(".plot.narrow svg:visible").count(), 0);
    assert.equal(await page.locator("nav:visible, summary:visible").count(), 0);
    assert.ok((await page.locator("caption:visible").count()) > 10);
  });

  it("names each plot for a screen reader", async () => {
    const images = await page.getByRole("img").all();
    assert.ok(images.length >= 14);
    assert.equal(await page.getByRole("img", { name: "Funnel from visit to purchase" }).count(), 1);
    assert.equal(await page.getByRole("table", { name: "Funnel" }).count(), 1);
  });
});
