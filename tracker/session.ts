// A session: it ends after 30 minutes without an event, and is shared by the tabs of a site. No clock, no browser.

const SESSION_MS = 30 * 60_000;

/** When it had its last event, and the campaign's parameters (utm_source=…) that it came with. No part has a space. */
export type Session = [lastMs: number, id: string, campaign: string];

/** The session of an event at `now`, from the stored one: the same, joined by spaces. */
export function sessionAt(
  now: number,
  stored: string | undefined,
  campaign: string,
  newId: () => string,
): Session {
  const [lastMs, id, earlier = ""] = (stored ?? "").split(" ");
  return id && now - Number(lastMs) < SESSION_MS ? [now, id, campaign || earlier] : [now, newId(), campaign];
}
