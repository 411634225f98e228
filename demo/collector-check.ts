// Checks that a stack's collector takes events of the shop's pages, as a browser would ask it before it sends some.

/** The collector is off, or does not know the shop. The message has the command that changes it. */
export class NoCollector extends Error {}

export interface Checked {
  stack: string;
  collectorUrl: string;
  shopOrigin: string;
  /** How many origins the stack's file already has: the next one is added after them. */
  origins: number;
}

export async function checkCollector(checked: Checked, ask: typeof fetch = fetch): Promise<void> {
  const { stack, collectorUrl, shopOrigin, origins } = checked;
  const allow = `pulumi config set --stack ${stack} --path 'collectorOrigins[${origins}]' ${shopOrigin}`;
  if (collectorUrl === "") {
    throw new NoCollector(
      `The collector of the stack ${stack} is off. Turn it on, and let the shop send events to it:\n` +
        `  pulumi config set --stack ${stack} collector true\n  ${allow}\n  pulumi up --stack ${stack}`,
    );
  }
  const allowed = await allowedOrigin(collectorUrl, shopOrigin, ask);
  if (allowed === shopOrigin || allowed === "*") return;
  throw new NoCollector(
    `The collector of the stack ${stack} takes no events from pages of ${shopOrigin}. Add it to the origins:\n` +
      `  ${allow}\n  pulumi up --stack ${stack}\nWith --shop-port N, the shop has another origin.`,
  );
}

/** What the collector answers to a browser's preflight request. */
async function allowedOrigin(
  collectorUrl: string,
  origin: string,
  ask: typeof fetch,
): Promise<string | undefined> {
  let answer: Response;
  try {
    answer = await ask(`${collectorUrl}/v1/events`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
      },
      signal: AbortSignal.timeout(10_000),
    });
  } catch (error) {
    throw new NoCollector(`The collector ${collectorUrl} does not answer: ${causeOf(error)}.`);
  }
  return answer.headers.get("access-control-allow-origin") ?? undefined;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
