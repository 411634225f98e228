// Checks the collector from outside, as a tracker and a browser meet it.
import { createHash } from "node:crypto";
import { seen, unexpected, type Verdict } from "../verdict";
import type { World } from "../world";

/** The site that the run's configuration names. */
export const SITE = "https://www.example.com";
const OTHER_SITE = "https://elsewhere.example";

/** Health, tracker, an event of the site, and an answer that a browser keeps from another site's page. */
export async function collects({ outputs }: World): Promise<Verdict> {
  const { collectorUrl: url, collectorScriptIntegrity } = outputs;
  const problems: string[] = [];
  const health = await fetch(`${url}/health`, { headers: { origin: OTHER_SITE } });
  if (!health.ok) problems.push(`GET /health: ${health.status} ${await health.text()}`);
  if (health.headers.get("access-control-allow-origin") !== null)
    problems.push(`a page of ${OTHER_SITE} may read answers`);
  const integrity = await integrityOf(`${url}/clickstream.js`);
  if (integrity !== collectorScriptIntegrity)
    problems.push(`the tracker's hash is ${integrity}, not ${collectorScriptIntegrity}`);
  const sent = await fetch(`${url}/v1/events`, {
    method: "POST",
    headers: { origin: SITE, "content-type": "text/plain" },
    body: JSON.stringify({
      event_type: "page_view",
      event_time: new Date().toISOString(),
      anonymous_id: "accept",
    }),
  });
  const answer = await sent.text();
  if (sent.status !== 200 || !answer.includes('"stored":1'))
    problems.push(`POST /v1/events: ${sent.status} ${answer}`);
  const allowed = sent.headers.get("access-control-allow-origin");
  if (allowed !== SITE) problems.push(`access-control-allow-origin is ${allowed} for ${SITE}`);
  return problems.length > 0
    ? unexpected(problems.join("; "))
    : seen(`${url}: an event of ${SITE} is stored, the tracker has the hash of the output`);
}

async function integrityOf(url: string): Promise<string> {
  const script = await fetch(url);
  const digest = createHash("sha384").update(Buffer.from(await script.arrayBuffer()));
  return `sha384-${digest.digest("base64")}`;
}
