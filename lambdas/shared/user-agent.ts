// Reads device type, browser and operating system from a user agent with bowser, and flags programs with isbot.

import { parse } from "bowser";
import { isbot } from "isbot";

export interface AgentTraits {
  deviceType: string | undefined;
  browser: string | undefined;
  os: string | undefined;
  /** A crawler, a health check or another program. Its device type is `bot`. */
  isBot: boolean;
}

const NO_TRAITS: AgentTraits = { deviceType: undefined, browser: undefined, os: undefined, isBot: false };
/** A plug-in of old Internet Explorer versions that isbot mistakes for a headless browser. */
const PLUG_IN = /; ?chromeframe\/[\d.]+/;
const REMEMBERED = 10_000;
/** Browsers send a few hundred characters. Longer texts would take the parsers' time and the cache's memory. */
const LONGEST_AGENT = 2_000;

const remembered = new Map<string, AgentTraits>();

export function agentTraits(userAgent: string | undefined): AgentTraits {
  if (userAgent === undefined || userAgent === "" || userAgent.length > LONGEST_AGENT) return NO_TRAITS;
  const known = remembered.get(userAgent);
  if (known !== undefined) return known;
  const { platform, browser, os } = parse(userAgent);
  const isBot = platform.type === "bot" || isbot(userAgent.replace(PLUG_IN, ""));
  const traits = {
    deviceType: isBot ? "bot" : platform.type || undefined,
    browser: browserName(browser.name),
    os: os.name || undefined,
    isBot,
  };
  if (remembered.size >= REMEMBERED) remembered.clear();
  remembered.set(userAgent, traits);
  return traits;
}

/** If bowser knows no name, it returns the start of the user agent, which is not a browser's name. */
function browserName(name: string | undefined): string | undefined {
  return name === undefined || name === "" || name === "Mozilla" || /[/(]/.test(name) ? undefined : name;
}
