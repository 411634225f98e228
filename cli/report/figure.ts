// A figure of the report: its plot in two widths, with text for screen readers, and the table with the same numbers.
import type { PlotOptions } from "@observablehq/plot";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { html, Markup, readable } from "./markup";

/** Draws a plot for a width in pixels: one for a screen and for paper, and one for a phone. */
export type Draw = (width: number) => PlotOptions;

const WIDE = 860;
const NARROW = 330;
/** For figures that stand next to each other if the page is wide. */
const SMALL = 260;

/** The part of the DOM that is used here. TypeScript's own types of it would also give browser globals to all files. */
interface Element {
  outerHTML: string;
  textContent: string;
  firstChild: Element;
  setAttribute(name: string, value: string): void;
  insertBefore(child: Element, before: Element): void;
  querySelectorAll(selector: string): Iterable<{ remove(): void }>;
}
const { document } = parseHTML("<!doctype html><html><body></body></html>") as unknown as {
  document: { createElementNS(namespace: string, name: string): Element };
};
let figures = 0;

interface Drawing {
  title: string;
  /** What the plot shows, for those who cannot see it. */
  summary: string;
  draw: Draw;
  /** It stands next to others if the page is wide. */
  small?: boolean;
}

export function drawing({ title, summary, draw, small = false }: Drawing): Markup {
  const wide = small ? SMALL : WIDE;
  return html`<div class="plot wide">${svg(draw(wide), wide, title, summary)}</div>
<div class="plot narrow">${svg(draw(NARROW), NARROW, title, summary)}</div>`;
}

function svg(options: PlotOptions, width: number, title: string, summary: string): Markup {
  figures += 1;
  const id = `plot-${figures}`;
  const plot = Plot.plot({
    ...{ document: document as never, width, className: "chart", style: { fontSize: "12px" } },
    ...options,
  }) as unknown as Element;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-labelledby", `${id}-title ${id}-desc`);
  for (const [name, text] of [
    ["desc", summary],
    ["title", title],
  ] as const) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    element.setAttribute("id", `${id}-${name}`);
    element.textContent = readable(text);
    plot.insertBefore(element, plot.firstChild);
  }
  // Once in the page's own style sheet instead of in each plot.
  for (const style of plot.querySelectorAll("style")) style.remove();
  return new Markup(plot.outerHTML);
}

type Cell = string | number | Markup;

interface Table {
  caption: string;
  columns: readonly string[];
  /** The first cell of a row is its heading. */
  rows: readonly (readonly Cell[])[];
  /** The columns that hold text. All others hold numbers. */
  texts?: readonly number[];
  /** Open at first. */
  open?: boolean;
}

/** A table that its reader opens. It is printed open. */
export function table({ caption, columns, rows, texts = [0], open = false }: Table): Markup {
  const kind = (place: number) => (texts.includes(place) ? "text" : "number");
  const body = rows.map(
    ([heading = "", ...cells]) => html`<tr><th scope="row" class="${kind(0)}">${bdi(heading)}</th>${cells.map(
      (cell, place) => html`<td class="${kind(place + 1)}">${bdi(cell)}</td>`,
    )}</tr>
`,
  );
  return html`<details${open ? new Markup(" open") : undefined}><summary>Table: ${caption} (${rows.length})</summary>
<div class="table" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map((name, place) => html`<th scope="col" class="${kind(place)}">${name}</th>`)}</tr></thead>
<tbody>
${body}</tbody></table></div></details>`;
}

/** Text that reads from right to left must not turn the cells next to it around. */
function bdi(cell: Cell): Markup {
  return typeof cell === "string"
    ? html`<bdi>${cell}</bdi>`
    : html`${typeof cell === "number" ? cell.toLocaleString("en-US") : cell}`;
}

interface Key {
  /** The class of the style sheet that gives the mark its colour. */
  mark: string;
  text: string;
}

export function legend(keys: readonly Key[]): Markup {
  return html`<ul class="legend">${keys.map(({ mark, text }) => html`<li><span class="key ${mark}"></span>${text}</li>`)}</ul>`;
}

export function figure(caption: string, ...parts: readonly (Markup | undefined)[]): Markup {
  return html`<figure>
<figcaption>${caption}</figcaption>
${parts.flatMap((part) => part ?? [])}
</figure>`;
}
