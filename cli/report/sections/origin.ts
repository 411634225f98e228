// The sections on money, and on where people came from and with what: categories, channels, campaigns, devices.
import { bars, pairs } from "../charts";
import { drawing, figure, legend, table } from "../figure";
import { html, type Markup, shortened } from "../markup";
import type { Device, ReportNumbers } from "../numbers";
import { compact, money, named, percent, plural, whole } from "../words";

const NAME_LENGTH = 100;
const SHOWN = 10;

export function revenue({ totals, revenue: { categories, byCategory } }: ReportNumbers): Markup {
  if (byCategory.length === 0) return html`<p>No purchase in these dates.</p>`;
  const average = totals.purchases === 0 ? 0 : totals.revenue / totals.purchases;
  const summary = `${money(totals.revenue)} from ${plural(totals.purchases, "purchase")} in ${plural(categories, "category", "categories")}: ${money(average)} a purchase. The events have no currency.`;
  const rows = byCategory.slice(0, SHOWN).map((one) => ({
    name: named(one.category),
    value: one.revenue,
    says: `${money(one.revenue)} · ${percent(one.revenue, totals.revenue)}`,
  }));
  return html`<p>${summary}</p>
${figure(
  categories > SHOWN ? `Revenue by category: the first ${SHOWN}` : "Revenue by category",
  drawing({
    title: "Revenue by category",
    summary: `A bar a category, from most to least. First: ${rows[0]?.name}, ${rows[0]?.says}. All values are in the table "Categories".`,
    draw: bars(rows),
  }),
  table({
    caption: "Categories",
    columns: ["Category", "Purchases", "Pieces", "Revenue", "Of all"],
    rows: byCategory.map((one) => [
      shortened(named(one.category), NAME_LENGTH),
      one.purchases,
      one.pieces,
      money(one.revenue),
      percent(one.revenue, totals.revenue),
    ]),
  }),
  categories > byCategory.length
    ? html`<p class="note">${plural(categories - byCategory.length, "category", "categories")} with less revenue are not listed.</p>`
    : undefined,
)}`;
}

export function channels({ channels: all, campaigns, totals }: ReportNumbers): Markup {
  const sessions = all.reduce((sum, channel) => sum + channel.sessions, 0);
  const buying = all.filter((one) => one.firstTouchPurchases + one.lastTouchPurchases > 0);
  const first = all[0];
  const summary = first
    ? `Most sessions came by ${first.channel}: ${percent(first.sessions, sessions)}.`
    : "No session in these dates.";
  const rows = all.slice(0, SHOWN).map((one) => ({
    name: one.channel,
    value: one.sessions,
    says: `${whole(one.sessions)} · ${percent(one.sessions, sessions)}`,
  }));
  return html`<p>${summary} A session's channel comes from the campaign (UTM) or the referrer of its first event.</p>
${all.length === 0 ? undefined : figure("Sessions by channel", drawing({ title: "Sessions by channel", summary: `A bar a channel. ${summary} All values are in the table "Channels".`, draw: bars(rows) }))}
${
  buying.length === 0
    ? html`<p>No purchase in these dates.</p>`
    : figure(
        "Purchases by channel: first and last touch",
        legend([
          { mark: "first", text: "first touch" },
          { mark: "second", text: "last touch" },
        ]),
        drawing({
          title: "Purchases by channel, by first and by last touch",
          summary: `Two bars a channel. ${plural(totals.purchases, "purchase")} in all. All values are in the table "Channels".`,
          draw: pairs(
            buying.map((one) => ({
              name: one.channel,
              first: one.firstTouchPurchases,
              second: one.lastTouchPurchases,
            })),
            (value) => whole(value),
          ),
        }),
        html`<p class="note">First touch: the channel of the visitor's first session. Last touch: that of the last session up to the purchase that was not direct; direct if all were. Both within the dates of this report.</p>`,
      )
}
${table({ caption: "Channels", columns: ["Channel", ...TOUCHES], rows: all.map((one) => [one.channel, ...touches(one)]) })}
${table({
  caption: "Campaigns and sources",
  columns: ["Source", "Campaign", "Channel", ...TOUCHES],
  texts: [0, 1, 2],
  rows: campaigns.map((one) => [
    shortened(one.source === "" && one.channel === "Direct" ? "(direct)" : named(one.source), NAME_LENGTH),
    shortened(one.campaign, NAME_LENGTH),
    one.channel,
    ...touches(one),
  ]),
})}`;
}

const TOUCHES = [
  "Sessions",
  "Purchases, first touch",
  "Revenue, first touch",
  "Purchases, last touch",
  "Revenue, last touch",
] as const;

function touches(one: ReportNumbers["channels"][number]) {
  return [
    one.sessions,
    one.firstTouchPurchases,
    money(one.firstTouchRevenue),
    one.lastTouchPurchases,
    money(one.lastTouchRevenue),
  ];
}

export function devices({ devices: { types, browsers, systems }, totals }: ReportNumbers): Markup {
  const kinds = [
    ["Device types", "Device type", types],
    ["Browsers", "Browser", browsers],
    ["Operating systems", "Operating system", systems],
  ] as const;
  const [most] = types;
  const summary = most
    ? `${named(most.name)}: ${percent(most.sessions, totals.sessions)} of the sessions.`
    : "No session in these dates.";
  return html`<p>${summary}</p>
<div class="side-by-side">${kinds.map(([title, column, some]) =>
    figure(title, deviceBars(title, some, totals.sessions), deviceTable(title, column, some)),
  )}</div>`;
}

function deviceBars(title: string, some: readonly Device[], sessions: number): Markup {
  if (some.length === 0) return html`<p class="note">None.</p>`;
  const rows = some.slice(0, 8).map((one) => ({
    name: named(one.name),
    value: one.sessions,
    says: `${compact(one.sessions)} · ${percent(one.sessions, sessions)}`,
  }));
  return drawing({
    title,
    summary: `A bar each, from most to least sessions. First: ${rows[0]?.name}, ${rows[0]?.says}.`,
    draw: bars(rows),
    small: true,
  });
}

function deviceTable(caption: string, column: string, some: readonly Device[]): Markup {
  return table({
    caption,
    columns: [column, "Sessions", "With a purchase", "Conversion", "Events"],
    rows: some.map((one) => [
      shortened(named(one.name), NAME_LENGTH),
      one.sessions,
      one.sessionsWithPurchase,
      percent(one.sessionsWithPurchase, one.sessions),
      one.events,
    ]),
  });
}
