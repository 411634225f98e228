// The report's page: one HTML file that needs no other file, no network and no script.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { html, Markup } from "./markup";
import type { ReportNumbers } from "./numbers";
import { freshness, method, quarantine, rangesOf } from "./sections/data";
import { channels, devices, revenue } from "./sections/origin";
import { funnel, hours, pages, retention, traffic } from "./sections/visits";
import { bytes, dollars, longDate, minute, money, percent, plural, whole } from "./words";

type Section = readonly [id: string, title: string, body: (numbers: ReportNumbers) => Markup];

const ON_PEOPLE: readonly Section[] = [
  ["traffic", "Traffic a day", traffic],
  ["pages", "Pages", pages],
  ["funnel", "From visit to purchase", funnel],
  ["retention", "Returning visitors", retention],
  ["revenue", "Revenue by category", revenue],
  ["channels", "Channels and campaigns", channels],
  ["devices", "Devices", devices],
  ["hours", "Hours of the week", hours],
];
const ON_DATA: readonly Section[] = [
  ["quarantine", "Quarantine", quarantine],
  ["freshness", "Freshness and completeness", freshness],
  ["method", "How it is counted", method],
];

export function pageOf(numbers: ReportNumbers): string {
  const { stack, from, to, totals, madeAt, cost } = numbers;
  const isEmpty = totals.events + totals.botEvents === 0;
  const sections = isEmpty ? ON_DATA : [...ON_PEOPLE, ...ON_DATA];
  const title = `Clickstream report, ${from} to ${to}`;
  // The policy lets nothing run or load, whatever the events hold.
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Markup(readFileSync(join(__dirname, "style.css"), "utf8"))}</style>
</head>
<body>
<header>
<h1>Clickstream report</h1>
<p class="about">${longDate(from)} to ${longDate(to)} · ${plural(numbers.days.length, "day")} · ${stack}</p>
${isEmpty ? nothing(numbers) : [...gaps(numbers), sums(numbers)]}
<nav aria-label="Sections"><ul>${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(
  ([id, name, body]) => html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${name}</h2>
${body(numbers)}
</section>
`,
)}</main>
<footer>Made ${minute(madeAt)} from ${plural(cost.queries, "query", "queries")} that read ${bytes(cost.scannedBytes)} for ${dollars(cost.usd)}.</footer>
</body>
</html>
`.text;
}

function nothing({ from, to }: ReportNumbers): Markup {
  return html`<p class="warning">The table events has no row from ${from} to ${to}. Choose other dates with --from and --to, or see in the quarantine below whether what arrived was not accepted.</p>`;
}

function gaps({ freshness: { daysWithoutData } }: ReportNumbers): Markup[] {
  if (daysWithoutData.length === 0) return [];
  return [
    html`<p class="warning">${plural(daysWithoutData.length, "day has", "days have")} no data: ${rangesOf(daysWithoutData)}. The sums below are without them.</p>`,
  ];
}

function sums({ totals, funnel: steps }: ReportNumbers): Markup {
  const bought = steps.at(-1)?.sessionsInAnyOrder ?? 0;
  const facts: [string, string, string][] = [
    ["Sessions", whole(totals.sessions), ""],
    ["Visitors", whole(totals.visitors), ""],
    [
      "Events",
      whole(totals.events),
      totals.botEvents > 0 ? `and ${whole(totals.botEvents)} of bots, not counted` : "",
    ],
    ["Purchases", whole(totals.purchases), ""],
    ["Revenue", money(totals.revenue), ""],
    ["Conversion", percent(bought, totals.sessions), "sessions with a purchase"],
  ];
  return html`<dl class="sums">${facts.map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value}${note ? html`<small>${note}</small>` : undefined}</dd></div>`)}</dl>`;
}
