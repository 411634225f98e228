// The four trackers that the demo shop can be switched between.

export interface Tracker {
  /** The cookie's value, and the name of its file under browser/. */
  name: "clickstream" | "segment" | "snowplow" | "plausible";
  title: string;
}

export const TRACKERS = [
  { name: "clickstream", title: "Clickstream (this project's)" },
  { name: "segment", title: "Segment analytics.js" },
  { name: "snowplow", title: "Snowplow browser tracker" },
  { name: "plausible", title: "Plausible" },
] as const satisfies readonly Tracker[];

export function trackerNamed(name: string | null | undefined): Tracker | undefined {
  return TRACKERS.find((tracker) => tracker.name === name);
}
