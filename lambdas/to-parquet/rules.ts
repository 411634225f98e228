// Reads the privacy rules and the key for hashes, as the Spark job does.

import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PRIVACY_DEFAULTS, type PrivacyRule } from "../../schema/contract";

const ACTIONS: readonly unknown[] = ["keep", "mask", "hash", "drop"] satisfies PrivacyRule[];

/** Fields without a rule have the default, so that an empty object protects. */
export function readRules(text: string): Record<string, PrivacyRule> {
  const given = parsed(text);
  const problems = Object.entries(given).flatMap(([name, action]) => [
    ...(Object.hasOwn(PRIVACY_DEFAULTS, name)
      ? []
      : [`unknown field ${name} (allowed: ${Object.keys(PRIVACY_DEFAULTS).join(", ")})`]),
    ...(ACTIONS.includes(action)
      ? []
      : [`${name} has the unknown action ${JSON.stringify(action)} (allowed: ${ACTIONS.join(", ")})`]),
  ]);
  if (problems.length > 0) throw new Error(`PRIVACY: ${problems.join("; ")}. Deploy the function again.`);
  return { ...PRIVACY_DEFAULTS, ...(given as Record<string, PrivacyRule>) };
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`PRIVACY must be a JSON object of rules, got ${text}. Deploy the function again.`);
  }
  return value as Record<string, unknown>;
}

/** The key is read only if a rule needs it, and is never logged. */
export async function readKey(
  rules: Readonly<Record<string, PrivacyRule>>,
  secret: string,
  client: Pick<SecretsManagerClient, "send">,
): Promise<Buffer | undefined> {
  if (!Object.values(rules).includes("hash")) return undefined;
  if (secret === "none") {
    throw new Error("PRIVACY hashes a field, so PRIVACY_KEY_SECRET must name the secret with the key.");
  }
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secret }));
  if (!SecretString) {
    throw new Error(`The secret ${secret} has no text. Store the key as its SecretString.`);
  }
  return Buffer.from(SecretString, "utf8");
}
