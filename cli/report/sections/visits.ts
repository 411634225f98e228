// The sections on what people did: days, pages, funnel, returning visitors, hours of the week.
import { bars, columns, type Field, funnel as funnelPlot, heat, lines } from "../charts";
import { drawing, figure, legend, table } from "../figure";
import { html, type Markup, shortened } from "../markup";
import { type Cohort, type Page, type ReportNumbers, WEEKDAYS, weekdayOf } from "../numbers";
import { longDate, money, percent, plural, shortDate, stepName, whole } from "../words";

export function traffic({ days, totals }: ReportNumbers): Markup {
  const withData = days.filter(({ hasData }) => hasData);
  const busiest = [...withData].sort((a, b) => b.sessions - a.sessions)[0];
  const summary = `${plural(totals.sessions, "session")} of ${plural(totals.visitors, "visitor")} on ${plural(withData.length, "day")} with data.${
    busiest ? ` Most were on ${longDate(busiest.date)}: ${whole(busiest.sessions)}.` : ""
  }`;
  const gap = days.length > withData.length ? [{ mark: "missing", text: "no data" }] : [];
  return html`<p>${summary}</p>
${figure(
  "Sessions and visitors a day",
  legend([{ mark: "first-line", text: "sessions" }, { mark: "second-line", text: "visitors" }, ...gap]),
  drawing({
    title: "Sessions and visitors a day",
    summary: `Two lines over the days. ${summary} All values are in the table "Days".`,
    draw: lines(days, "a day", [
      { value: ({ sessions }) => sessions, colour: "first" },
      { value: ({ visitors }) => visitors, colour: "second" },
    ]),
  }),
)}
${figure(
  "Events a day",
  drawing({
    title: "Events a day",
    summary: `A bar a day. ${plural(totals.events, "event")} in all. All values are in the table "Days".`,
    draw: columns(days, "events", ({ events }) => events),
  }),
)}
${figure(
  "Revenue a day",
  drawing({
    title: "Revenue a day",
    summary: `A bar a day. ${money(totals.revenue)} in all. All values are in the table "Days".`,
    draw: columns(days, "revenue", ({ revenue }) => revenue),
  }),
)}
${table({
  caption: "Days",
  columns: ["Day (UTC)", "Events", "Sessions", "Visitors", "Purchases", "Revenue", "Bot events"],
  rows: days.map((day) => [
    `${day.date} ${weekdayOf(day.date).slice(0, 3)}`,
    ...(day.hasData
      ? [day.events, day.sessions, day.visitors, day.purchases, money(day.revenue), day.botEvents]
      : ["no data", "", "", "", "", ""]),
  ]),
})}`;
}

const TITLE_LENGTH = 120;

export function pages({
  pages: { number, views, entries, byViews, byEntries, byExits },
}: ReportNumbers): Markup {
  const all = [...byViews, ...byEntries, ...byExits];
  const site = siteOf(all);
  const summary = `${plural(views, "view")} of ${plural(number, "page")}${site ? ` of ${site}` : ""}. A view is a page_view, or another event on another page than the one before.`;
  const kinds = [
    ["Most viewed pages", byViews, ({ views: count }: Page) => count, views],
    ["Entry pages: where sessions began", byEntries, ({ entries: count }: Page) => count, entries],
    ["Exit pages: where sessions ended", byExits, ({ exits: count }: Page) => count, entries],
  ] as const;
  return html`<p>${summary}</p>
${kinds.map(([title, some, value, sum]) => figure(title, pageBars(title, some, site, value, sum)))}
${table({
  caption: "Pages",
  columns: ["Page", "Title", "Views", "Sessions", "Entries", "Exits"],
  texts: [0, 1],
  rows: [...new Map(all.map((page) => [page.page, page])).values()].map((page) => [
    shortened(pathOf(page.page, site), TITLE_LENGTH),
    shortened(page.title ?? "", TITLE_LENGTH),
    ...[page.views, page.sessions, page.entries, page.exits],
  ]),
})}`;
}

function pageBars(
  title: string,
  some: readonly Page[],
  site: string | undefined,
  value: (page: Page) => number,
  sum: number,
): Markup {
  if (some.length === 0) return html`<p class="note">None.</p>`;
  const rows = some.map((page) => ({
    name: pathOf(page.page, site),
    value: value(page),
    says: `${whole(value(page))} · ${percent(value(page), sum)}`,
  }));
  return drawing({
    title,
    summary: `A bar a page, from most to least. First: ${rows[0]?.name}, ${rows[0]?.says}. All values are in the table "Pages".`,
    draw: bars(rows),
  });
}

/** The host, if all pages have the same. */
function siteOf(some: readonly Page[]): string | undefined {
  const hosts = new Set(some.map(({ page }) => page.split("/")[0] ?? ""));
  const [only] = hosts;
  return hosts.size === 1 && only ? only : undefined;
}

function pathOf(page: string, site: string | undefined): string {
  return site === undefined ? page : page.slice(site.length) || "/";
}

export function funnel({ funnel: steps }: ReportNumbers): Markup {
  const visits = steps[0]?.sessions ?? 0;
  const bought = steps.at(-1)?.sessions ?? 0;
  const rows = steps.map(({ step, sessions }, place) => {
    const next = steps[place + 1];
    const lost = next ? sessions - next.sessions : 0;
    return {
      name: stepName(step),
      value: sessions,
      before: steps[place - 1]?.sessions ?? sessions,
      says: `${whole(sessions)} · ${percent(sessions, visits)}`,
      lost: next ? `↓ ${whole(lost)} (${percent(lost, sessions)}) went no further` : "",
    };
  });
  const summary = `${whole(bought)} of ${plural(visits, "session")} (${percent(bought, visits)}) went all the way to a purchase.`;
  return html`<p>${summary} A session counts for a step if it did that step after the one before, in the same session.</p>
${figure(
  "Sessions by the step that they reached",
  legend([
    { mark: "first", text: "reached the step" },
    { mark: "quiet", text: "reached the step before" },
  ]),
  drawing({
    title: "Funnel from visit to purchase",
    summary: `${rows.map(({ name, says, lost }) => `${name}: ${says}. ${lost}`).join(" ")} ${summary}`,
    draw: funnelPlot(rows),
  }),
  table({
    caption: "Funnel",
    columns: ["Step", "Sessions", "Of all", "Of the step before", "Dropped off", "In any order"],
    rows: steps.map(({ step, sessions, sessionsInAnyOrder }, place) => {
      const before = steps[place - 1]?.sessions ?? sessions;
      return [
        stepName(step),
        sessions,
        percent(sessions, visits),
        percent(sessions, before),
        before - sessions,
        sessionsInAnyOrder,
      ];
    }),
    open: true,
  }),
)}`;
}

/** How many percent returned so much later; undefined after the end of the report. */
function returned(cohort: Cohort, place: number): { share: number; mark: string } | undefined {
  const cell = cohort.returned[place];
  if (cell === undefined || cohort.visitors === 0) return undefined;
  return { share: (100 * cell.visitors) / cohort.visitors, mark: cell.complete ? "" : "*" };
}

/** Of the cohorts whose next period is over. */
function returnedInTheNext(unit: string, cohorts: readonly Cohort[]): string {
  const over = cohorts.filter(({ returned: [next] }) => next?.complete);
  if (over.length === 0) return `No ${unit} after a first visit is over yet.`;
  const again = over.reduce((sum, { returned: [next] }) => sum + (next?.visitors ?? 0), 0);
  const visitors = over.reduce((sum, cohort) => sum + cohort.visitors, 0);
  return `${percent(again, visitors)} of the visitors returned in the ${unit} after their first one.`;
}

export function retention({ retention: { unit, cohorts } }: ReportNumbers): Markup {
  const periods = Math.max(0, ...cohorts.map((cohort) => cohort.returned.length));
  if (periods === 0) {
    return html`<p>The report is about one ${unit} only, so nobody could return in a later one. For more: --from with an earlier date.</p>`;
  }
  const laters = Array.from({ length: periods }, (_, place) => place);
  const names = new Map(
    cohorts.map((cohort) => [cohort.from, `${shortDate(cohort.from)} (${whole(cohort.visitors)})`]),
  );
  const fields: Field[] = cohorts.flatMap((cohort) =>
    laters.flatMap((place) => {
      const cell = returned(cohort, place);
      if (cell === undefined) return [];
      const says = `${Math.round(cell.share)}${cell.mark}`;
      return { column: String(place + 1), row: cohort.from, value: cell.share, says };
    }),
  );
  const title = `Visitors who returned, in percent of those who came first in the same ${unit}`;
  const summary = returnedInTheNext(unit, cohorts);
  return html`<p>${summary} The first visit is the first one within the dates of this report.</p>
${figure(
  title,
  drawing({
    title,
    summary: `A row for each ${unit} of the first visit, a column for each later ${unit}. ${summary} All values are in the table "Returning visitors".`,
    draw: heat({
      columns: laters.map((place) => String(place + 1)),
      rows: [...names.keys()],
      nameOf: (from) => names.get(from) ?? from,
      fields,
      left: 92,
      above: `${unit}s after the first visit`,
    }),
  }),
  html`<p class="note">In brackets: visitors who came for the first time. * The ${unit} is not over, or ends after the report.</p>`,
  table({
    caption: "Returning visitors",
    columns: [
      `First ${unit}, from`,
      "Visitors",
      ...laters.map((place) => `After ${plural(place + 1, unit)}`),
    ],
    rows: cohorts.map((cohort) => [
      cohort.from,
      cohort.visitors,
      ...laters.map((place) => {
        const cell = returned(cohort, place);
        return cell ? `${Math.round(cell.share)} %${cell.mark}` : "";
      }),
    ]),
  }),
)}`;
}

export function hours({ hours: all }: ReportNumbers): Markup {
  const busiest = [...all].sort((a, b) => (b.sessionsADay ?? 0) - (a.sessionsADay ?? 0))[0];
  const two = (hour: number) => String(hour).padStart(2, "0");
  const highest = busiest?.sessionsADay ?? 0;
  const summary = busiest
    ? `The busiest hour is ${busiest.day}, ${two(busiest.hour)}:00 to ${two((busiest.hour + 1) % 24)}:00 UTC, with ${highest.toLocaleString("en-US")} sessions on average.`
    : "";
  const field = (column: string, row: string, value: number | null): Field => ({
    column,
    row,
    value,
    says: "",
  });
  const shortDay = (day: string) => day.slice(0, 3);
  const everyHour = Array.from({ length: 24 }, (_, hour) => two(hour));
  const days = WEEKDAYS.map(shortDay);
  return html`<p>${summary}</p>
${figure(
  "Sessions by hour of the week (UTC), on an average day with data",
  legend([
    { mark: "strength", text: `0 to ${highest.toLocaleString("en-US")} sessions` },
    ...(all.some(({ sessionsADay }) => sessionsADay === null) ? [{ mark: "missing", text: "no data" }] : []),
  ]),
  drawing({
    title: "Sessions by hour of the week",
    summary: `A field for each hour of the week, the darker the more sessions. ${summary} All values are in the table "Hours of the week".`,
    draw: (width) =>
      width > 500
        ? heat({
            columns: everyHour,
            rows: days,
            left: 40,
            fields: all.map(({ day, hour, sessionsADay }) => field(two(hour), shortDay(day), sessionsADay)),
          })(width)
        : heat({
            columns: days,
            rows: everyHour,
            left: 30,
            fields: all.map(({ day, hour, sessionsADay }) => field(shortDay(day), two(hour), sessionsADay)),
          })(width),
  }),
  table({
    caption: "Hours of the week",
    columns: ["Hour (UTC)", ...days],
    rows: everyHour.map((hour) => [
      `${hour}:00`,
      ...all
        .filter(({ hour: one }) => two(one) === hour)
        .map(({ sessionsADay }) => (sessionsADay === null ? "no data" : sessionsADay)),
    ]),
  }),
)}`;
}
