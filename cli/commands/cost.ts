// npm run cost: what a stack costs a month and per million events, the largest part, and settings that would cut it.

import { declaredBy, InvalidConfiguration, NoSuchStack, stackConfiguration } from "../../stack/configuration";
import type { CostOptions } from "../arguments/types";
import { type Traffic, USUAL } from "../cost/assumptions";
import { type Estimate, estimate } from "../cost/model";
import { PRICE_DATE, PRICE_REGION, UNPRICED } from "../cost/prices";
import { type Saving, savings } from "../cost/savings";
import { assumptions, dollars, dominance, parts, quantity, savingText } from "../cost/wording";
import { Console } from "../view/console";

export async function main(options: CostOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  try {
    const traffic = trafficOf(options);
    const configuration = stackConfiguration(options.stack ?? "dev", settings(options.set));
    console.setStatus("Evaluating the program once per setting that could be changed");
    const now = estimate(await declaredBy(configuration), traffic);
    const cheaper = await savings(configuration, now, traffic);
    console.setStatus("");
    if (options.json)
      process.stdout.write(`${JSON.stringify(costDocument(configuration, traffic, now, cheaper))}\n`);
    else show(configuration, traffic, now, cheaper, console);
    return 0;
  } catch (error) {
    if (!(error instanceof InvalidConfiguration || error instanceof NoSuchStack)) throw error;
    console.setStatus("");
    process.stderr.write(`${error.message}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify({ error: error.message })}\n`);
    return 1;
  } finally {
    console.end();
  }
}

function trafficOf(options: CostOptions): Traffic {
  return {
    eventsPerDay: options["events-per-day"] ?? USUAL.eventsPerDay,
    eventBytes: options["event-bytes"] ?? USUAL.eventBytes,
    eventsPerRequest: options["events-per-request"] ?? USUAL.eventsPerRequest,
    eventsPerRecord: options["events-per-record"] ?? USUAL.eventsPerRecord,
    quarantinePercent: options["quarantine-percent"] ?? USUAL.quarantinePercent,
    latePercent: options["late-percent"] ?? USUAL.latePercent,
    lateDays: options["late-days"] ?? USUAL.lateDays,
    peakFactor: options["peak-factor"] ?? USUAL.peakFactor,
    months: options.months ?? USUAL.months,
    queriesPerDay: options["queries-per-day"] ?? USUAL.queriesPerDay,
    daysPerQuery: options["days-per-query"] ?? USUAL.daysPerQuery,
    executionsPerDay: options["executions-per-day"] ?? USUAL.executionsPerDay,
  };
}

function settings(given: string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function costDocument(
  { stack, values }: { stack: string; values: Record<string, string> },
  traffic: Traffic,
  { lines, monthly, perMillion, warnings }: Estimate,
  cheaper: Saving[],
) {
  return {
    stack,
    region: values["aws:region"],
    prices: { region: PRICE_REGION, date: PRICE_DATE, unknown: UNPRICED },
    traffic,
    monthlyUsd: monthly,
    perMillionEventsUsd: perMillion ?? null,
    parts: parts(lines),
    lines,
    savings: cheaper,
    warnings,
  };
}

function show(
  { stack, values }: { stack: string; values: Record<string, string> },
  traffic: Traffic,
  now: Estimate,
  cheaper: Saving[],
  console: Console,
): void {
  const { bold, dim, yellow } = console.colours;
  const perMillion = now.perMillion === undefined ? "" : `, ${dollars(now.perMillion)} per million events`;
  console.line(bold(`The stack ${stack}: ${dollars(now.monthly)} a month${perMillion}`));
  console.line(dim(`Assuming ${assumptions(traffic)}. Each has an option: --help.`));
  console.line();
  const dearest = [...now.lines].sort((a, b) => b.monthly - a.monthly);
  console.table(
    ["part", "what", "quantity", "unit", "a month"],
    dearest.map(({ part, item, quantity: amount, unit, monthly }) => [
      part,
      item,
      quantity(amount),
      unit,
      dollars(monthly),
    ]),
  );
  console.line(dominance(now));
  const region = values["aws:region"] ?? PRICE_REGION;
  if (region !== PRICE_REGION) {
    console.line(
      yellow(
        `! The stack is in ${region}. Its prices are not listed; these are the prices of ${PRICE_REGION}.`,
      ),
    );
  }
  for (const warning of now.warnings) console.line(yellow(`! ${warning}`));
  console.heading("How to pay less");
  if (cheaper.length === 0) console.line("No setting would save five cents or more a month.");
  for (const saving of cheaper) console.line(savingText(saving));
  console.line();
  console.line(
    dim(`List prices of ${PRICE_REGION}, ${PRICE_DATE} (cli/cost/prices.json), without free tiers.`),
  );
  for (const gap of UNPRICED) console.line(dim(`Not included: ${gap}`));
}
