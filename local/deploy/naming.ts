// Makes automatic names as Pulumi's AWS provider does: the logical name, a dash and seven random hex digits.
import { randomBytes } from "node:crypto";

const RANDOM_DIGITS = 7;

export interface NamingRules {
  maximumLength: number;
  lowerCase?: boolean;
}

export function automaticName(logicalName: string, rules: NamingRules, random = randomHex): string {
  const name = `${logicalName}-${random(RANDOM_DIGITS)}`;
  if (name.length > rules.maximumLength) {
    throw new Error(
      `the automatic name ${name} has ${name.length} characters, ${rules.maximumLength} are allowed. Shorten the resource's name`,
    );
  }
  return rules.lowerCase ? name.toLowerCase() : name;
}

/** For `namePrefix` and similar inputs: the prefix and a unique suffix. */
export function prefixedName(prefix: string, rules: NamingRules, random = randomHex): string {
  const name = `${prefix}${random(26)}`.slice(0, rules.maximumLength);
  return rules.lowerCase ? name.toLowerCase() : name;
}

function randomHex(digits: number): string {
  return randomBytes(Math.ceil(digits / 2))
    .toString("hex")
    .slice(0, digits);
}
