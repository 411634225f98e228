// Applies the privacy rules inside a text: user agents, named values, e-mail and IP addresses.

import type { PrivacyRule } from "../../../schema/contract";
import { javaRegex } from "./java-regex";
import { ADDRESS, AGENT, EMAIL, MATCH, memberPattern, parameterPattern, USER_IN_URL } from "./patterns";
import { matches, protectValue, type Rules } from "./rule";
import {
  type Check,
  mayConcern,
  mayHoldAddress,
  mayHoldAgent,
  mayHoldEmail,
  mayHoldMember,
  mayHoldParameter,
} from "./suspects";

type Step = (text: string) => string;
type Replace = (match: string) => string | null;

/** A text that only contained dropped values becomes null. */
export function scrubber(rules: Rules): (text: string) => string | null {
  const steps = stepsOf(rules);
  const concerns = mayConcern(rules.acting.map(([name]) => name));
  return (text) => {
    if (!concerns(text)) return text;
    const clean = steps.reduce((current, step) => step(current), text);
    return clean === text || /[^ ]/.test(clean) ? clean : null;
  };
}

function stepsOf(rules: Rules): Step[] {
  const actions = new Map(rules.acting);
  const values = (name: string, pattern: string, guard: Check): Step[] => {
    const action = actions.get(name);
    if (action === undefined) return [];
    return [replaceEach(guard, javaRegex(pattern), (match) => protectValue(name, action, match, rules))];
  };
  const user = javaRegex(USER_IN_URL);
  return [
    ...values("user_agent", AGENT, mayHoldAgent),
    ...rules.acting.flatMap(([name, action]) => named(name, action, rules)),
    ...(actions.has("email") ? [(text: string) => text.replace(user, "//")] : []),
    ...values("email", EMAIL, mayHoldEmail),
    ...values("ip", ADDRESS, mayHoldAddress),
  ];
}

/** Applies a rule to named values: parameters as in a URL, and members as in JSON. */
function named(name: string, action: PrivacyRule, rules: Rules): Step[] {
  const [parameter, member] = [javaRegex(parameterPattern(name)), javaRegex(memberPattern(name))];
  const protect = (value: string) =>
    value === "" ? value : (protectValue(name, action, value, rules) ?? "");
  const newParameter: Replace = (match) => {
    const [start, value] = groups(parameter, match) as [string, string];
    return start + protect(value);
  };
  const newMember: Replace = (match) => {
    const [start, quote, text, number] = groups(member, match) as [string, string, string, string];
    return action === "drop" ? `${start}null` : `${start}${quote}${protect(text + number)}${quote}`;
  };
  return [
    replaceEach(mayHoldParameter, parameter, newParameter),
    replaceEach(mayHoldMember, member, newMember),
  ];
}

/** The groups of a pattern in its own match. A match without its surroundings can have other groups, or none. */
function groups(pattern: RegExp, match: string): string[] {
  pattern.lastIndex = 0;
  const found = pattern.exec(match)?.slice(1) ?? ["", "", "", ""];
  return found.map((group) => group ?? "");
}

/** As in the job, a text that contains the placeholder itself loses it. */
function replaceEach(guard: Check, pattern: RegExp, replace: Replace): Step {
  return (text) => {
    if (!guard(text) || !matches(pattern, text)) return text;
    const found: string[] = [];
    const marked = text.replace(pattern, (match: string) => {
      found.push(match);
      return MATCH;
    });
    return marked
      .split(MATCH)
      .map((piece, index) => piece + (index < found.length ? (replace(found[index] as string) ?? "") : ""))
      .join("");
  };
}
