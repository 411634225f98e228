// docs/ways.md: what the ways have in common, how they differ, what each costs, and when to choose which.

import { WAYS, type Way } from "../../infra/config/keys";
import { USUAL } from "../cost/assumptions";
import type { Sized } from "../cost/sized";
import { sizedWay } from "../cost/ways";
import { assumptions, dollars, quantity } from "../cost/wording";

const SIZES = [10_000, 1_000_000, 10_000_000, 100_000_000];

export async function waysDocument(current: string): Promise<string> {
  return replaced(replaced(current, "costs", await costs()), "parts", await parts());
}

/** Replaces what is between `<!-- name -->` and `<!-- /name -->`. The rest of the page is written by hand. */
function replaced(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/ways.md must have ${begin} and, after it, ${end}.`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

async function costs(): Promise<string> {
  const columns = await Promise.all(WAYS.map(columnOf));
  const rows = [
    row("idle, dev", columns, ({ dev }) => dollars(dev.found.monthly)),
    row("idle, with alarms and dashboard", columns, ({ idle }) => dollars(idle.found.monthly)),
    ...SIZES.map((events, at) =>
      row(`${quantity(events)} events a day`, columns, ({ sizes }) =>
        dollars((sizes[at] as Sized).found.monthly),
      ),
    ),
  ];
  return [
    `| dollars a month | ${WAYS.map((way) => `\`${way}\``).join(" | ")} |`,
    `| --- | ${WAYS.map(() => "---:").join(" | ")} |`,
    ...rows,
    "",
    `\`Pulumi.prod.yaml\` (the first row: \`Pulumi.dev.yaml\`) with the way and without the keys that are for another one, an execution each hour (\`arrival\`: every six hours, as its events can be queried before), and the settings that each size needs; ${assumptions(USUAL, ["eventsPerDay"])}. [cost.md](cost.md) has the same estimate of \`stream\` line by line.`,
  ].join("\n");
}

interface Column {
  way: Way;
  dev: Sized;
  idle: Sized;
  sizes: Sized[];
}

async function columnOf(way: Way): Promise<Column> {
  const sizes: Sized[] = [];
  for (const events of SIZES) sizes.push(await sizedWay("prod", way, events));
  return { way, dev: await sizedWay("dev", way, 0), idle: await sizedWay("prod", way, 0), sizes };
}

function row(name: string, columns: readonly Column[], value: (column: Column) => string): string {
  return `| ${name} | ${columns.map(value).join(" | ")} |`;
}

const SHOWN_EVENTS = 1_000_000;
const SHOWN_LINES = 8;

/** The largest lines of each way at one size, so that the table of sums can be followed. */
async function parts(): Promise<string> {
  const lists: string[] = [];
  for (const way of WAYS) {
    const { found } = await sizedWay("prod", way, SHOWN_EVENTS);
    const largest = [...found.lines].sort((a, b) => b.monthly - a.monthly).slice(0, SHOWN_LINES);
    const named = largest.map(({ item, monthly }) => `${item} ${dollars(monthly)}`);
    lists.push(`- \`${way}\`, ${dollars(found.monthly)}: ${named.join("; ")}.`);
  }
  const hourly = await sizedWay("prod", "arrival", SHOWN_EVENTS, { scheduleExpression: "rate(1 hour)" });
  return [
    `The largest parts at ${quantity(SHOWN_EVENTS)} events a day:`,
    "",
    ...lists,
    "",
    `With an execution each hour, \`arrival\` costs ${dollars(hourly.found.monthly)} at this size: each check reads the ids of the dates of the new events.`,
  ].join("\n");
}
