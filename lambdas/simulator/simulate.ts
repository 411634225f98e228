// Runs a simulation: makes lines, packs them into records, sends them at the requested rate, and reports the counts.

import { CountedSending, type Destination, type SentEvents } from "../shared/destination";
import type { Log } from "../shared/log";
import type { Clock } from "../shared/runtime";
import type { SenderOptions } from "../shared/sender";
import type { Simulation } from "./input";
import { type Line, Traffic, type Truth } from "./traffic";

export interface SimulationResult {
  /** Lines sent, including duplicates and malformed lines. */
  events: number;
  records: number;
  /** What an execution waits for. */
  sent: SentEvents;
  /** Maps each shard to the last sequence number that was put into it. Firehose has no shards. */
  shards: Record<string, string>;
  /** ISO 8601 time before the first put. */
  startedAt: string;
  seconds: number;
  eventsPerSecond: number;
  truth: Truth;
}

export interface SimulateDependencies extends Pick<SenderOptions, "random" | "deadlineMs"> {
  destination: Destination;
  clock: Clock;
  log: Log;
}

export async function simulate(
  simulation: Simulation,
  { destination, log, ...options }: SimulateDependencies,
): Promise<SimulationResult> {
  const { clock } = options;
  const traffic = new Traffic(simulation);
  const sending = new CountedSending(destination, simulation.events, options);
  const { sender } = sending;
  const startedMs = clock.now();
  await (simulation.ratePerSecond === undefined
    ? sendAll(traffic.lines(), sending)
    : sendPaced(traffic.lines(), sending, clock, simulation.ratePerSecond));

  const seconds = (clock.now() - startedMs) / 1000;
  const result: SimulationResult = {
    events: sender.sent.lines,
    records: sender.sent.records,
    sent: sending.sent(startedMs),
    shards: sender.sent.shards,
    startedAt: new Date(startedMs).toISOString(),
    seconds,
    eventsPerSecond: Math.round(sender.sent.lines / Math.max(seconds, 0.001)),
    truth: traffic.truth,
  };
  const { bytes, calls, resent } = sender.sent;
  log({ level: "INFO", message: "Simulation sent", seed: simulation.seed, ...result, bytes, calls, resent });
  return result;
}

async function sendAll(lines: Iterable<Line>, sending: CountedSending): Promise<void> {
  const { packer, sender } = sending;
  for (const line of lines) {
    const record = packer.add(packer.laneOf(line.sessionId), line.text);
    if (record !== undefined) await sender.add(record);
  }
  await sending.flush();
}

/** Sends what is due every second, or less often at low rates. Does not catch up if the service is slow. */
async function sendPaced(
  lines: Generator<Line>,
  sending: CountedSending,
  clock: Clock,
  ratePerSecond: number,
): Promise<void> {
  const { packer, sender } = sending;
  const tickMs = Math.max(1000, 1000 / ratePerSecond);
  const startMs = clock.now();
  let made = 0;
  for (let tick = 1; ; tick += 1) {
    // Half an event of tolerance for rounding errors, such as 0.1 × 10 = 0.9999.
    for (const due = Math.floor((tick * tickMs * ratePerSecond) / 1000 + 1e-6); made < due; made += 1) {
      const next = lines.next();
      if (next.done === true) return sending.flush();
      const record = packer.add(packer.laneOf(next.value.sessionId), next.value.text);
      if (record !== undefined) await sender.add(record);
    }
    await sending.flush();
    await clock.sleep(Math.max(0, startMs + tick * tickMs - clock.now()));
  }
}
