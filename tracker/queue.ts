// The events that are not stored by the collector yet, and how they are sent.
//
// Each event is a value of its own in the store, so that tabs never overwrite each other's events. It is removed when the
// collector has answered that it is stored, never before: what was sent at the end of a page is sent again by the next
// page, and the pipeline removes the duplicate by its event_id.

import { MAX_WAIT_MS, retryDelay } from "./backoff";
import { batchMs, endpoint, writeKey } from "./options";
import { hasConsent, isPersistent, keys, read, remove, write } from "./store";

const EVENT = "clickstream:event:";
const WAIT = "clickstream:wait";
/** The oldest are dropped. */
const MAX_EVENTS = 1000;
const MAX_BATCH = 50;
/** Browsers refuse fetch with keepalive and beacons above 64 KiB. */
const MAX_BYTES = 60 * 1024;
const TIMEOUT_MS = 30_000;
/** Answers of the 400s that a later try may not get: the key, the route or the load can change. */
const PASSING = [401, 403, 404, 408, 429];

/** The events of this page. */
const own = new Set<string>();
const inFlight = new Set<string>();
let added = 0;
let tries = 0;
let limit = MAX_BATCH;
let unreachable = false;
let busy = false;
let scheduled = false;

export function enqueue(id: string, body: string): void {
  if (bytes(body) > MAX_BYTES) {
    console.warn("clickstream: event is too large");
    return;
  }
  // The keys sort by time, and by order in the same millisecond.
  const key = `${EVENT}${Date.now()}-${1e6 + added++}-${id}`;
  own.add(key);
  write(key, body);
  keys(EVENT).slice(0, -MAX_EVENTS).forEach(remove);
  schedule(batchMs);
}

/** Sends all that waits. Only one tab of a site does so at a time, where the browser has locks. */
export async function flush(): Promise<void> {
  if (busy || !hasConsent()) return;
  const pause = pauseMs();
  if (pause) {
    schedule(pause);
    return;
  }
  busy = true;
  const send = () => sendAll(false);
  if (isPersistent() && navigator.locks) await navigator.locks.request(EVENT, send).catch(send);
  else await send();
  busy = false;
}

export function watchConnection(): void {
  addEventListener("online", () => {
    if (unreachable) remove(WAIT);
    flush();
  });
  addEventListener("visibilitychange", () => {
    // On a phone this may be the last that the page hears. Its own events go at once, whatever another tab does.
    if (document.hidden && hasConsent() && !pauseMs()) sendAll(true);
  });
  addEventListener("pagehide", sendBeacons);
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    // What became of the beacons is not known.
    inFlight.clear();
    flush();
  });
}

function schedule(ms: number): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    flush();
  }, ms);
}

const bytes = (text: string) => new Blob([text]).size;

function done(batch: Map<string, string>): true {
  for (const key of batch.keys()) remove(key);
  return true;
}

/** A time that is too far away was written before the clock was set back. */
function pauseMs(): number {
  const pause = Number(read(WAIT) ?? 0) - Date.now();
  return pause > 0 && pause <= MAX_WAIT_MS ? pause : 0;
}

/** The next events, and marks them as sent. */
function take(onlyOwn: boolean): Map<string, string> {
  const batch = new Map<string, string>();
  let size = 0;
  for (const key of keys(EVENT)) {
    const body = read(key);
    if (!body || inFlight.has(key) || (onlyOwn && !own.has(key))) continue;
    size += bytes(body) + 1;
    if (batch.size && (size > MAX_BYTES || batch.size >= limit)) break;
    batch.set(key, body);
    inFlight.add(key);
  }
  return batch;
}

async function sendAll(onlyOwn: boolean): Promise<void> {
  for (;;) {
    const batch = take(onlyOwn);
    if (!batch.size) return;
    const goOn = await send(batch);
    for (const key of batch.keys()) inFlight.delete(key);
    if (!goOn) return;
  }
}

/** The server corrects the times of the events by `sentAt`, the same clock's time of this request. */
const url = () =>
  `${endpoint}/v1/events?sentAt=${Date.now()}${writeKey ? `&writeKey=${encodeURIComponent(writeKey)}` : ""}`;
const text = (batch: Map<string, string>) => [...batch.values()].join("\n");

/** Says whether to send more. */
async function send(batch: Map<string, string>): Promise<boolean> {
  let response: Response | undefined;
  try {
    // A body of text is sent as text/plain, which needs no preflight.
    response = await fetch(url(), {
      method: "POST",
      body: text(batch),
      keepalive: true,
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    });
  } catch {}
  const status = response?.status ?? 0;
  if (response?.ok) {
    tries = 0;
    limit = Math.min(MAX_BATCH, limit * 2);
    remove(WAIT);
    return done(batch);
  }
  if (status >= 400 && status < 500 && !PASSING.includes(status)) {
    // One event may be the reason. Halves find it without losing the others.
    if (batch.size > 1) {
      limit = batch.size >> 1;
      return true;
    }
    console.warn("clickstream: event refused", status, text(batch));
    return done(batch);
  }
  unreachable = !response;
  const delay = retryDelay(tries++, response?.headers.get("retry-after") ?? null, Date.now(), Math.random());
  write(WAIT, `${Date.now() + delay}`);
  schedule(delay);
  return false;
}

/** The last call of a page. Its answer reaches nobody. */
function sendBeacons(): void {
  if (!hasConsent() || (pauseMs() && isPersistent())) return;
  for (;;) {
    const batch = take(true);
    if (!batch.size || !navigator.sendBeacon(url(), text(batch))) return;
  }
}
