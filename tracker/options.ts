// The options of the tracker: the data attributes of its script element (docs/tracker.md lists them).

const script =
  (document.currentScript as HTMLScriptElement | null) ??
  document.querySelector<HTMLScriptElement>("script[src*='clickstream.js']");
const data = script?.dataset ?? {};

const browser = navigator as Navigator & { globalPrivacyControl?: boolean; doNotTrack?: string | null };
/** The rules of the privacy signals that the browser sends. A misspelt rule is not "ignore". */
const rules = [
  [browser.globalPrivacyControl, data.gpc ?? "no-ids"],
  [browser.doNotTrack, data.dnt ?? "ignore"],
].flatMap(([signal, rule]) => (Number(signal) === 1 ? rule : []));

/** The collector's URL without a slash at the end. The default is the folder that the script came from. */
export const endpoint = (data.endpoint ?? (script ? new URL(".", script.src).href : "")).replace(/\/$/, "");
export const writeKey = data.writeKey;
/** Any value asks for consent, so that a misspelt one does too. */
export const consentRequired = data.consent !== undefined;
export const withoutStorage = data.storage === "none";
export const silent = rules.includes("nothing");
export const withoutIds = rules.some((rule) => rule !== "ignore");
export const automaticPageViews = data.pageViews !== "manual";
/** For sites whose router uses the URL's fragment. */
export const withHash = data.hash !== undefined;
export const sampleRate = Number(data.sample ?? 1);
export const batchMs = Number(data.batchMs ?? 500);
