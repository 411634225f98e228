// The plot of the live view: stacked bars of the lines of each minute, as SVG.
import { MINUTE_MS } from "../../../lambdas/shared/durations";
import type { Minute } from "../counts";
import { number, timeOfDay } from "./text";

const HEIGHT = 96;
const LEFT = 38;
const BOTTOM = 16;
const TOP = 6;
/** From the bottom up. */
const STACK = ["accepted", "duplicate", "quarantined"] as const;
const TICK_MINUTES = 15;

export function drawPlot(svg: SVGSVGElement, note: HTMLElement, minutes: Minute[]): void {
  const width = Math.max(svg.clientWidth, 200);
  const sums = minutes.map((minute) => STACK.reduce((sum, name) => sum + minute[name], 0));
  const top = niceMaximum(Math.max(1, ...sums));
  const space = (width - LEFT) / minutes.length;
  const y = (lines: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - lines / top);
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const parts: SVGElement[] = [];
  for (const value of [0, top]) {
    parts.push(make("line", { x1: LEFT, x2: width, y1: y(value), y2: y(value), class: "grid" }));
    parts.push(text(number(value), { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }));
  }
  minutes.forEach((minute, index) => {
    const x = LEFT + index * space;
    let base = 0;
    for (const name of STACK) {
      const lines = minute[name];
      if (lines === 0) continue;
      const height = Math.max(1, y(base) - y(base + lines));
      const shape = { x: x + space * 0.1, width: space * 0.8, y: y(base) - height, height, class: name };
      parts.push(make("rect", shape));
      base += lines;
    }
    if ((minute.begins / MINUTE_MS) % TICK_MINUTES === 0 && x < width - 30) {
      parts.push(text(timeOfDay(minute.begins).slice(0, 5), { x, y: HEIGHT - 3 }));
    }
  });
  svg.replaceChildren(...parts);
  const total = sums.reduce((sum, lines) => sum + lines, 0);
  svg.setAttribute(
    "aria-label",
    `Lines per minute: ${number(total)} in the last ${minutes.length} minutes, at most ${number(Math.max(...sums))} in a minute`,
  );
  note.textContent = `last ${minutes.length} minutes, ${number(sums.at(-1) ?? 0)} in this one`;
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function niceMaximum(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

function make(name: string, attributes: Record<string, string | number>): SVGElement {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, String(value));
  return shape;
}

function text(content: string, attributes: Record<string, string | number>): SVGElement {
  const shape = make("text", attributes);
  shape.textContent = content;
  return shape;
}
