// Reads requests.jsonl, in which the emulator counts the calls of a run, and adds them up by operation.
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A line of requests.jsonl. */
export interface Call {
  /** When the request arrived. */
  time: string;
  /** The ARN of the calling session, a service such as athena.amazonaws.com, or the account's root. */
  principal: string;
  service: string;
  /** The API operation: ListObjectsV2, where the permission is s3:ListBucket. */
  operation: string;
  action: string;
  resource: string;
  /** What a listing asks for. */
  prefix?: string;
  status: number;
  bytes_in: number;
  bytes_out: number;
}

/** The calls of one operation. */
export interface CallSum {
  service: string;
  operation: string;
  calls: number;
  bytesIn: number;
  bytesOut: number;
}

/** The emulator keeps so many full files beside the current one. */
const OLD_FILES = 3;

/**
 * The calls of the stack between two moments, oldest file first. Calls with the account's own credentials are left out:
 * the deployment, the CLI and the sender of a file use them, and no part of the stack does.
 */
export async function* readCalls(stateDir: string, since: Date, until: Date): AsyncGenerator<Call> {
  for (const path of files(stateDir)) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const call = JSON.parse(line) as Call;
      const at = Date.parse(call.time);
      if (at >= since.getTime() && at <= until.getTime() && !call.principal.endsWith(":root")) yield call;
    }
  }
}

/** Undefined if the emulator has already removed lines of that time, as it does in a very long run. */
export async function sumCalls(stateDir: string, since: Date, until: Date): Promise<CallSum[] | undefined> {
  if (await isIncomplete(stateDir, since)) return undefined;
  const sums = new Map<string, CallSum>();
  for await (const { service, operation, bytes_in, bytes_out } of readCalls(stateDir, since, until)) {
    const key = `${service} ${operation}`;
    const sum = sums.get(key) ?? { service, operation, calls: 0, bytesIn: 0, bytesOut: 0 };
    sum.calls += 1;
    sum.bytesIn += bytes_in;
    sum.bytesOut += bytes_out;
    sums.set(key, sum);
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

function files(stateDir: string): string[] {
  const old = Array.from({ length: OLD_FILES }, (_, index) => `requests.${OLD_FILES - index}.jsonl`);
  return [...old, "requests.jsonl"].map((name) => join(stateDir, name)).filter((path) => existsSync(path));
}

async function isIncomplete(stateDir: string, since: Date): Promise<boolean> {
  const oldest = join(stateDir, `requests.${OLD_FILES}.jsonl`);
  if (!existsSync(oldest)) return false;
  for await (const line of createInterface({ input: createReadStream(oldest) })) {
    return Date.parse((JSON.parse(line) as Call).time) > since.getTime();
  }
  return false;
}
