// What the server of the live view sends to its page, as server-sent events: hello, lines, stats, reset.
import type { Summary } from "./counts";
import type { ReaderState } from "./reader";
import type { Verdict } from "./seen";

export interface Hello {
  /** The stack. */
  target: string;
  source: Source;
}

/** Where the events come from: a Kinesis stream, or Firehose, which buffers them before it writes them to S3. */
export type Source = { streamName: string } | { deliveryStreamName: string; bufferSeconds: number };

export interface Lines {
  lines: Line[];
  /** Lines before these that are not shown, because they are too many to read. The counts have them. */
  skipped: number;
}

export type Stats = Summary & { reader: ReaderState };

/** A line of the page's list. Its JSON is asked for when it is opened. */
export interface Line {
  number: number;
  verdict: Verdict;
  reason?: string;
  /** Epoch milliseconds. */
  arrival: number;
  seen: number;
  /** Epoch milliseconds of the event. */
  time?: number;
  type?: string;
  /** What the event is about: a product, or a page. */
  about: string;
  /** Who did it: the user, the visitor or the session. */
  who: string;
}
