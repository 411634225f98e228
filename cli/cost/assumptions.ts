// What an estimate assumes of the traffic and of the work that it makes; each is stated with its result.

export interface Traffic {
  /** Spread evenly over day and night. */
  eventsPerDay: number;
  /** Size of an event's JSON. */
  eventBytes: number;
  /** How many events the producers pack into a Kinesis record. */
  eventsPerRecord: number;
  /** Lines in a hundred that go to the quarantine. */
  quarantinePercent: number;
  /** The busiest second over the average one: what shards have to carry. */
  peakFactor: number;
  /** Months for which data has been kept; its storage and each run's look at it are of that month. */
  months: number;
  /** Queries of people, beside the pipeline's own. */
  queriesPerDay: number;
  /** Days of data that such a query reads. */
  daysPerQuery: number;
  /** Executions started by hand, where the schedule is off. */
  executionsPerDay: number;
}

export const USUAL: Traffic = {
  eventsPerDay: 1_000_000,
  eventBytes: 500,
  eventsPerRecord: 10,
  quarantinePercent: 1,
  peakFactor: 3,
  months: 12,
  queriesPerDay: 20,
  daysPerQuery: 7,
  executionsPerDay: 1,
};

/** What one event or one run comes to; measured here where nothing else is said. */
export const WORK = {
  /** gzip of the raw line, level 6: 630 KB for 8,000 events. */
  rawBytesPerEvent: 79,
  /** Parquet with zstd: 77 MB for a million events. */
  curatedBytesPerEvent: 77,
  /** Of a curated event, what a query of a few columns reads. */
  queriedShare: 0.3,
  /** The identifiers of a curated event, which each run reads to leave out what is there already. */
  idBytesPerEvent: 20,
  /** Ingest on one core: `npm run bench -- ingest`, 76,000 events a second. */
  ingestCoreSecondsPerEvent: 1 / 76_000,
  /** Lambda gives one core at this memory, less in proportion. */
  mbPerCore: 1769,
  /** Assumed: what an invocation takes beside its events, mostly the PUT. */
  ingestSecondsPerBatch: 0.15,
  /** Assumed: each look of await-ingest or the simulator's start. */
  otherLambdaSeconds: 1,
  /** Assumed: from the script's start to its end with nothing to do. */
  sparkBaseSeconds: 45,
  /** `npm run bench -- spark`: 50 core-seconds for a million events. */
  sparkCoreSecondsPerEvent: 50e-6,
  /** Assumed: opening a file of S3 in a Spark task. */
  sparkSecondsPerFile: 0.05,
  /** Assumed: identifiers read at 65 MB a second and core. Not measured on a large lake. */
  sparkCoreSecondsPerKnownEvent: 0.3e-6,
  /** A worker of size 1 has four cores; one worker drives. */
  coresPerDpu: 4,
  /** Files come out at this share of targetFileMb, which counts before compression. */
  fileShare: 0.4,
  /** Requests for a written file: one PUT. */
  writesPerFile: 1,
  /** Requests for a file read: its end, then its columns. */
  readsPerFile: 4,
  /** Assumed bytes of log: an ingest invocation, an execution (state machine and job). */
  logBytesPerInvocation: 1500,
  logBytesPerExecution: 400_000,
  /** CloudWatch stores logs compressed. */
  logCompression: 0.15,
  /** Kinesis asks KMS for a data key every five minutes; so do producer and consumer. */
  streamKeyRequestsPerHour: 36,
  catalogRequestsPerExecution: 20,
} as const;
