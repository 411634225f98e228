// Makes a report: asks the queries, writes the page, and says in a line what it read and cost.
import { writeFileSync } from "node:fs";
import type { QueryTarget } from "../../stack/athena";
import { ask } from "./ask";
import type { Dates } from "./dates";
import { numbersOf, type ReportNumbers } from "./numbers";
import { pageOf } from "./page";
import { bytes, dollars, plural } from "./words";

export interface ReportSource extends QueryTarget {
  /** As the report names the stack. */
  name: string;
}

/** If Athena refuses a query, this rejects with its QueryFailed, and no file is written. */
export async function makeReport(
  source: ReportSource,
  dates: Dates,
  path: string,
  now: number,
): Promise<ReportNumbers> {
  const answers = await ask(source, dates);
  const numbers = numbersOf(source.name, dates, answers, now);
  writeFileSync(path, pageOf(numbers));
  return numbers;
}

/** What the report's queries read, and the price. */
export function costLine({ cost }: ReportNumbers): string {
  return `${plural(cost.queries, "query", "queries")} read ${bytes(cost.scannedBytes)}; Athena bills ${bytes(cost.billedBytes)}, ${dollars(cost.usd)}`;
}
