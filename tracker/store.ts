// Keeps the tracker's values: in localStorage as far as the site, the visitor and the browser allow it, otherwise in
// memory until the page ends. When storage is full, the next value tries it again.

import { consentRequired, withoutStorage } from "./options";

/** Every key begins with it. */
const PREFIX = "clickstream:";
const CONSENT = "clickstream:consent";
const YES = "1";
const NO = "0";

const memory = new Map<string, string>();
let local: Storage | undefined;
try {
  // Reading the property throws where the browser forbids storage.
  if (!withoutStorage) local = localStorage;
} catch {}

/** Other tabs write too. So localStorage comes first, and is read each time. */
const stored = (key: string) => local?.getItem(key) ?? memory.get(key);

export const isRefused = (): boolean => stored(CONSENT) === NO;
export const hasConsent = (): boolean => (consentRequired ? stored(CONSENT) === YES : !isRefused());
export const isPersistent = (): boolean => local !== undefined && (!consentRequired || hasConsent());

/** Without consent, what an earlier page stored is not used either. */
export const read = (key: string): string | undefined => (isPersistent() ? stored(key) : memory.get(key));

export function write(key: string, value: string): void {
  memory.set(key, value);
  if (!isPersistent()) return;
  try {
    local?.setItem(key, value);
    memory.delete(key);
  } catch {
    // An older value would be read in the place of this one.
    local?.removeItem(key);
  }
}

export function remove(key: string): void {
  memory.delete(key);
  local?.removeItem(key);
}

/** The keys that begin with a text, sorted. */
export const keys = (start: string): string[] =>
  [...memory.keys(), ...Object.keys(local ?? {})].filter((key) => key.startsWith(start)).sort();

/** A refusal is stored only where tracking needs no consent. Elsewhere no answer is a refusal on the next page. */
export function setConsent(given: boolean): void {
  if (!given) keys(PREFIX).forEach(remove);
  write(CONSENT, given ? YES : NO);
  if (given) for (const [key, value] of memory) write(key, value);
}
