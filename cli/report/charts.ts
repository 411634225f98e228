// The forms of the report's plots. Colours are the style sheet's variables, so that they follow light and dark.
import type { Markish } from "@observablehq/plot";
import * as Plot from "@observablehq/plot";
import { DAY_MS } from "../../lambdas/shared/durations";
import type { Draw } from "./figure";
import { shortened } from "./markup";
import type { Day } from "./numbers";
import { compact, shortDate } from "./words";

const FIRST = "var(--first)";
const SECOND = "var(--second)";
const QUIET = "var(--quiet)";
const MISSING = "var(--missing)";
const INK = "var(--ink)";
const SOFT = "var(--soft)";
const ON_SOME = "var(--on-some)";
const ON_FIRST = "var(--on-first)";

/** Pixels of a letter, about. */
const LETTER = 6.6;

const start = (date: string) => new Date(date);
const end = (date: string) => new Date(Date.parse(date) + DAY_MS);
const middle = (date: string) => new Date(Date.parse(date) + DAY_MS / 2);

export interface Bar {
  name: string;
  value: number;
  /** The text at the right end of the name's line. */
  says: string;
}

/** One bar below another, each with its name above it: names can be long, and a phone is narrow. */
export function bars(rows: readonly Bar[], colour = FIRST): Draw {
  const row = 38;
  return (width) => ({
    ...{ height: rows.length * row + 4, marginTop: 0, marginBottom: 4, marginLeft: 0, marginRight: 0 },
    x: { axis: null, domain: [0, most(rows.map(({ value }) => value))] },
    y: { axis: null, type: "band", domain: rows.map((_, place) => place), padding: 0 },
    marks: [
      Plot.barX(rows, {
        x1: 0,
        x2: widest(rows),
        y: places,
        insetTop: 20,
        insetBottom: 6,
        fill: QUIET,
        rx: 2,
      }),
      Plot.barX(rows, { x: "value", y: places, insetTop: 20, insetBottom: 6, fill: colour, rx: 2 }),
      ...lineAbove(rows, width, row),
    ],
  });
}

const places = (_: unknown, place: number) => place;
const widest = (rows: readonly Bar[]) => most(rows.map(({ value }) => value));
/** Never 0, so that a scale has a length. */
const most = (values: readonly number[]) => Math.max(...values, 0) || 1;

/** The name on the left, and what is to be said of it on the right. */
function lineAbove(rows: readonly { name: string; says: string }[], width: number, row: number): Markish[] {
  const dy = 11 - row / 2;
  return [
    Plot.text(rows, {
      ...{ y: places, frameAnchor: "left", textAnchor: "start", dy, fill: INK },
      text: ({ name, says }: Bar) => shortened(name, Math.floor(width / LETTER) - says.length - 2),
    }),
    Plot.text(rows, {
      ...{ y: places, frameAnchor: "right", textAnchor: "end", dy, fill: INK, fontVariant: "tabular-nums" },
      text: "says",
    }),
  ];
}

export interface FunnelStep extends Bar {
  before: number;
  /** What became of the others; empty for the last step. */
  lost: string;
}

/** A bar a step. Behind it, in grey, those who were there in the step before. */
export function funnel(rows: readonly FunnelStep[]): Draw {
  const row = 58;
  return (width) => ({
    ...{ height: rows.length * row, marginTop: 0, marginBottom: 0, marginLeft: 0, marginRight: 0 },
    x: { axis: null, domain: [0, most(rows.map(({ before }) => before))] },
    y: { axis: null, type: "band", domain: rows.map((_, place) => place), padding: 0 },
    marks: [
      Plot.barX(rows, { x: "before", y: places, insetTop: 20, insetBottom: 20, fill: QUIET, rx: 2 }),
      Plot.barX(rows, { x: "value", y: places, insetTop: 20, insetBottom: 20, fill: FIRST, rx: 2 }),
      ...lineAbove(rows, width, row),
      Plot.text(rows, {
        ...{ y: places, frameAnchor: "left", textAnchor: "start", dy: 19, fill: SOFT },
        text: "lost",
      }),
    ],
  });
}

export interface Pair {
  name: string;
  first: number;
  second: number;
}

/** Two bars below each name, to be compared. */
export function pairs(rows: readonly Pair[], says: (value: number) => string): Draw {
  const row = 54;
  const bar = (
    value: "first" | "second",
    fill: string,
    insetTop: number,
    insetBottom: number,
    dy: number,
  ) => [
    Plot.barX(rows, { x: value, y: places, insetTop, insetBottom, fill, rx: 2 }),
    Plot.text(rows, {
      ...{ x: value, y: places, dx: 5, dy, textAnchor: "start" as const, fill: INK, fontSize: 11 },
      text: (pair: Pair) => says(pair[value]),
    }),
  ];
  return (width) => ({
    ...{ height: rows.length * row, marginTop: 0, marginBottom: 0, marginLeft: 0, marginRight: 76 },
    x: { axis: null, domain: [0, most(rows.flatMap(({ first, second }) => [first, second]))] },
    y: { axis: null, type: "band", domain: rows.map((_, place) => place), padding: 0 },
    marks: [
      ...bar("first", FIRST, 20, 20, 0),
      ...bar("second", SECOND, 35, 5, 15),
      ...lineAbove(
        rows.map(({ name }) => ({ name, says: "" })),
        width,
        row,
      ),
    ],
  });
}

interface Series {
  value: (day: Day) => number;
  colour: "first" | "second";
}

/** Lines over the days, with a gap where a day has no data. */
export function lines(days: readonly Day[], label: string, series: readonly Series[]): Draw {
  return (width) =>
    overDays(days, label, width, most(days.flatMap((day) => series.map(({ value }) => value(day)))), [
      ...series.flatMap(({ value, colour }) => {
        const stroke = colour === "first" ? FIRST : SECOND;
        const shown = {
          x: ({ date }: Day) => middle(date),
          y: (day: Day) => (day.hasData ? value(day) : Number.NaN),
        };
        const strokeDasharray = colour === "first" ? "none" : "5 3";
        return [
          Plot.line(days, { ...shown, stroke, strokeWidth: 2, strokeDasharray }),
          ...(days.length > 62 ? [] : [Plot.dot(days, { ...shown, fill: stroke, r: 2.6 })]),
        ];
      }),
    ]);
}

/** A bar a day. */
export function columns(days: readonly Day[], label: string, value: (day: Day) => number): Draw {
  return (width) =>
    overDays(days, label, width, most(days.map(value)), [
      Plot.rect(
        days.filter(({ hasData }) => hasData),
        {
          ...{ x1: ({ date }: Day) => start(date), x2: ({ date }: Day) => end(date) },
          ...{ y1: 0, y2: value, fill: FIRST },
          inset: days.length > 62 ? 0.25 : 1,
        },
      ),
    ]);
}

function overDays(days: readonly Day[], label: string, width: number, highest: number, marks: Markish[]) {
  const height = width > 500 ? 220 : 190;
  return {
    ...{ height, marginLeft: 44, marginRight: 18, marginTop: 26, marginBottom: 28 },
    x: { type: "utc" as const, domain: domainOf(days) },
    y: { domain: [0, highest], nice: true },
    marks: [
      Plot.gridY({ ticks: 4, stroke: QUIET, strokeOpacity: 1 }),
      ...gaps(days, width),
      ...marks,
      Plot.ruleY([0], { stroke: SOFT }),
      Plot.axisY({
        ticks: 4,
        tickSize: 0,
        tickFormat: compact,
        label,
        labelArrow: "none" as const,
        color: SOFT,
      }),
      daysAxis(days, width),
    ],
  };
}

const domainOf = (days: readonly Day[]) => [start(days[0]?.date ?? ""), end(days.at(-1)?.date ?? "")];

function daysAxis(days: readonly Day[], width: number): Markish {
  const room = Math.max(2, Math.floor(width / 70));
  const step = Math.ceil(days.length / room);
  // Counted from the last day, which a reader looks for.
  const shown = days.filter((_, place) => (days.length - 1 - place) % step === 0);
  return Plot.axisX(
    shown.map(({ date }) => middle(date)),
    { tickFormat: (time: Date) => shortDate(time.toISOString()), tickSize: 4, label: null, color: SOFT },
  );
}

/** Where days have no data: a band, and the words if they fit. */
function gaps(days: readonly Day[], width: number): Markish[] {
  const ranges: { from: Date; to: Date; days: number }[] = [];
  for (const [place, { date, hasData }] of days.entries()) {
    const last = ranges.at(-1);
    if (hasData) continue;
    if (last && place > 0 && days[place - 1]?.hasData === false) {
      last.to = end(date);
      last.days += 1;
    } else ranges.push({ from: start(date), to: end(date), days: 1 });
  }
  const aDay = (width - 62) / days.length;
  const fit = ranges.filter((range) => range.days * aDay > 54);
  const turned = ranges.filter((range) => range.days * aDay <= 54 && range.days * aDay > 13);
  const words = {
    x: ({ from, to }: (typeof ranges)[number]) => new Date((from.getTime() + to.getTime()) / 2),
    text: () => "no data",
    fill: SOFT,
    fontSize: 11,
  };
  return [
    Plot.rectX(ranges, { x1: "from", x2: "to", fill: MISSING }),
    Plot.text(fit, { ...words, frameAnchor: "middle" }),
    Plot.text(turned, { ...words, frameAnchor: "middle", rotate: -90 }),
  ];
}

/** One field a day: has data, or not. */
export function strip(days: readonly Day[]): Draw {
  return (width) => ({
    ...{ height: 58, marginLeft: 18, marginRight: 18, marginTop: 4, marginBottom: 26 },
    x: { type: "utc", domain: domainOf(days) },
    marks: [
      Plot.rectX(days, {
        ...{ x1: ({ date }: Day) => start(date), x2: ({ date }: Day) => end(date) },
        fill: ({ hasData }: Day) => (hasData ? FIRST : MISSING),
        inset: days.length > 62 ? 0.25 : 1,
      }),
      Plot.text(days.length > 62 ? [] : days.filter(({ hasData }) => !hasData), {
        ...{ x: ({ date }: Day) => middle(date), text: () => "×", frameAnchor: "middle", fill: INK },
      }),
      daysAxis(days, width),
    ],
  });
}

export interface Field {
  column: string;
  row: string;
  /** null: nothing is known. */
  value: number | null;
  says: string;
}

interface Heat {
  columns: readonly string[];
  /** Each once. */
  rows: readonly string[];
  /** What a row is called, if not as it is. */
  nameOf?: (row: string) => string;
  fields: readonly Field[];
  /** Pixels on the left for the names of the rows. */
  left: number;
  above?: string;
}

/** Fields that are the darker the higher their value is. */
export function heat({ columns, rows, nameOf = (row) => row, fields, left, above }: Heat): Draw {
  const highest = most(fields.map(({ value }) => value ?? 0));
  const known = fields.filter(({ value }) => value !== null);
  const strength = (field: Field) => (field.value === 0 ? 0 : 0.08 + (0.92 * (field.value ?? 0)) / highest);
  return (width) => {
    const room = (width - left) / Math.max(1, columns.length);
    const words = room >= Math.max(...fields.map(({ says }) => says.length), 1) * LETTER + 4 ? known : [];
    const step = Math.ceil(30 / room);
    return {
      ...{ height: rows.length * 26 + 40, marginLeft: left, marginTop: 38, marginRight: 0, marginBottom: 2 },
      x: { type: "band", domain: columns, padding: 0, label: null },
      y: { type: "band", domain: rows, padding: 0, label: null },
      marks: [
        Plot.cell(fields, {
          x: "column",
          y: "row",
          inset: 1,
          fill: ({ value }: Field) => (value === null ? MISSING : QUIET),
        }),
        Plot.cell(known, { x: "column", y: "row", inset: 1, fill: FIRST, fillOpacity: strength }),
        Plot.text(words, {
          ...{ x: "column", y: "row", text: "says", fontSize: 11 },
          fill: (field: Field) => inkOn(strength(field)),
        }),
        Plot.axisX({
          ...{ anchor: "top", tickSize: 0, color: SOFT },
          ...(above !== undefined && {
            label: above,
            labelArrow: "none" as const,
            labelAnchor: "center" as const,
          }),
          ticks: columns.filter((_, place) => place % step === 0),
        }),
        Plot.axisY({ tickSize: 0, color: SOFT, fontVariant: "tabular-nums", tickFormat: nameOf }),
      ],
      // The strength is the opacity already.
      opacity: { type: "identity" },
    };
  };
}

/** The colour of text that has enough contrast, in light and in dark. */
function inkOn(strength: number): string {
  if (strength > 0.85) return ON_FIRST;
  return strength > 0.5 ? ON_SOME : INK;
}
