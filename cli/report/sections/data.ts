// The sections on the data itself: quarantine, freshness, completeness, and how all is counted and what it cost.
import { DAY_MS, MINUTE_MS } from "../../../lambdas/shared/durations";
import { bars, strip } from "../charts";
import { drawing, figure, legend, table } from "../figure";
import { html, type Markup } from "../markup";
import type { ReportNumbers } from "../numbers";
import { bytes, dollars, minute, percent, plural, shortDate, whole } from "../words";

const SHOWN = 10;

export function quarantine({ quarantine: { lines, reasons, byDate }, totals }: ReportNumbers): Markup {
  if (lines === 0) return html`<p>No line that arrived in these dates was quarantined.</p>`;
  const accepted = totals.events + totals.botEvents;
  const summary = `${plural(lines, "line")} that arrived in these dates ${lines === 1 ? "was" : "were"} not accepted, ${percent(lines, lines + accepted)} of all.`;
  const rows = reasons.slice(0, SHOWN).map(({ reason, lines: count }) => ({
    name: reason,
    value: count,
    says: `${whole(count)} · ${percent(count, lines)}`,
  }));
  return html`<p>${summary} Each is kept complete in the table quarantine.</p>
${figure(
  "Quarantined lines by reason",
  drawing({
    title: "Quarantined lines by reason",
    summary: `A bar a reason, from most to least. First: ${rows[0]?.name}, ${rows[0]?.says}.`,
    draw: bars(rows, "var(--second)"),
  }),
  table({
    caption: "Reasons",
    columns: ["Reason", "What it means", "Lines"],
    texts: [0, 1],
    rows: reasons.map(({ reason, description, lines: count }) => [reason, description, count]),
    open: true,
  }),
  table({
    caption: "Quarantined lines by day of arrival",
    columns: ["Day (UTC)", "Lines"],
    rows: byDate.map(({ date, lines: count }) => [date, count]),
  }),
)}`;
}

export function freshness({ days, freshness: fresh, totals, madeAt }: ReportNumbers): Markup {
  const missing = fresh.daysWithoutData;
  const summary =
    missing.length === 0
      ? `Each of the ${plural(days.length, "day")} has data.`
      : `${whole(fresh.daysWithData)} of ${plural(days.length, "day")} have data.`;
  const today = days.at(-1)?.date === madeAt.slice(0, 10);
  return html`<p>${summary}${today ? " Today is not over yet." : undefined}</p>
${missing.length === 0 ? undefined : html`<p class="warning">No data: ${rangesOf(missing)}. Nothing was sent on these days, or it did not arrive. They are no days with 0 sessions.</p>`}
${figure(
  "Days with data",
  legend([
    { mark: "first", text: "has data" },
    { mark: "missing", text: "no data" },
  ]),
  drawing({
    title: "Days with data",
    summary: `A field a day. ${summary}${missing.length > 0 ? ` No data: ${rangesOf(missing)}.` : ""}`,
    draw: strip(days),
  }),
  table({
    caption: "Freshness",
    columns: ["What", "When"],
    texts: [0, 1],
    rows: [
      ["Newest event", at(fresh.newestEvent)],
      ["Newest arrival", at(fresh.newestArrival)],
      ["Newest run of the pipeline that wrote rows", at(fresh.newestRun)],
      ["From arrival to the table, of the newest", between(fresh.newestArrival, fresh.newestRun)],
      ["From the newest run to this report", between(fresh.newestRun, madeAt)],
      [
        "Events that arrived on a later day than they happened",
        `${whole(totals.lateEvents)} (${percent(totals.lateEvents, totals.events + totals.botEvents)})`,
      ],
    ],
    open: true,
  }),
)}`;
}

const at = (time: string | null) => (time === null ? "–" : minute(time));

function between(from: string | null, to: string | null): string {
  if (from === null || to === null) return "–";
  const minutes = (Date.parse(to) - Date.parse(from)) / MINUTE_MS;
  if (minutes < 0) return "the run began before the arrival";
  if (minutes < 120) return plural(Math.round(minutes), "minute");
  return minutes < 48 * 60
    ? plural(Math.round(minutes / 60), "hour")
    : plural(Math.round(minutes / 1440), "day");
}

const RANGES_NAMED = 8;

export function rangesOf(dates: readonly string[]): string {
  const ranges: string[][] = [];
  for (const date of dates) {
    const range = ranges.at(-1);
    const last = range?.at(-1);
    if (last !== undefined && Date.parse(date) - Date.parse(last) === DAY_MS) range?.push(date);
    else ranges.push([date]);
  }
  const names = ranges.map((range) => {
    const [from = "", to = ""] = [range[0], range.at(-1)];
    return from === to ? shortDate(from) : `${shortDate(from)} to ${shortDate(to)}`;
  });
  const left = names.length - RANGES_NAMED;
  return left > 0 ? `${names.slice(0, RANGES_NAMED).join(", ")} and ${left} more` : names.join(", ");
}

export function method({ totals, cost, from, to }: ReportNumbers): Markup {
  return html`<ul>
<li>Days and hours are UTC. The report reads the events whose time is from ${from} to ${to}. A session that begins before or ends after these dates is counted with the part that lies within.</li>
<li>Bots are left out of all numbers on people: ${plural(totals.botEvents, "event")} of programs that name themselves in their user agent (device type bot). Other programs count as people.</li>
<li>A session is a session_id. ${plural(totals.eventsWithoutSession, "event")} came without one, or with one for a single request (Global Privacy Control, Do Not Track). These are in the events, views and revenue, but in no session.</li>
<li>A visitor is an anonymous_id, or without one a user_id: a person with two browsers is two visitors. ${plural(totals.eventsWithoutVisitor, "event")} had neither.</li>
<li>Revenue is price × quantity of the event type purchase.</li>
<li>${plural(cost.queries, "query", "queries")} read ${bytes(cost.scannedBytes)} of the columns and dates that they need. Athena bills at least 10 MB a query: ${bytes(cost.billedBytes)}, ${dollars(cost.usd)} at ${dollars(cost.usdPerTB)} a TB.</li>
</ul>`;
}
