// How the report writes numbers, dates and names.

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** The events have no currency. */
export function money(value: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** 1,234 for a chart with little room: 1.2K. */
export function compact(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });
}

/** A share of a whole in percent; a dash if the whole is nothing. */
export function percent(part: number, all: number): string {
  if (all === 0) return "–";
  const share = (100 * part) / all;
  return share === 0 || share === 100 ? `${share} %` : `${share.toFixed(1)} %`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

export function bytes(count: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value.toLocaleString("en-US", { maximumFractionDigits: power === 0 ? 0 : 1 })} ${units[power]}`;
}

/** A price may be far below a cent: two digits that are not 0. */
export function dollars(usd: number): string {
  if (usd >= 0.01) return `$${usd.toFixed(2)}`;
  return usd === 0 ? "$0" : `$${usd.toFixed(Math.min(8, 1 - Math.floor(Math.log10(usd))))}`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const LONG_DATE = new Intl.DateTimeFormat("en-GB", {
  ...{ weekday: "short", day: "numeric", month: "short", year: "numeric" },
  timeZone: "UTC",
});

/** 26 Nov. */
export function shortDate(date: string): string {
  return DATE.format(new Date(date));
}

/** Thu, 26 Nov 2026. */
export function longDate(date: string): string {
  return LONG_DATE.format(new Date(date));
}

/** 2026-11-26 15:20 UTC. */
export function minute(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

export function named(value: string | null): string {
  return value === null || value === "" ? "(not set)" : value;
}

const STEPS: Readonly<Record<string, string>> = {
  visit: "Visit",
  product_view: "Product view",
  add_to_cart: "Added to cart",
  begin_checkout: "Began checkout",
  purchase: "Purchase",
};

export function stepName(step: string): string {
  return STEPS[step] ?? step;
}
