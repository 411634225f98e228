// How long the tracker waits before it tries again. No clock, no browser.

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60_000;
/** No answer stops the tracker for longer. */
export const MAX_WAIT_MS = 60 * 60_000;

/**
 * Twice as long after each try, and never earlier than the header Retry-After asks (seconds or a date). `random`, from 0
 * to 1, spreads the tries of many visitors.
 */
export function retryDelay(tries: number, retryAfter: string | null, now: number, random: number): number {
  const asked = retryAfter ? Number(retryAfter) * 1000 || Date.parse(retryAfter) - now : 0;
  const own = Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.5 + random / 2);
  return Math.min(MAX_WAIT_MS, Math.max(asked || 0, 0) + own);
}
