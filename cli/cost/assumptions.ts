// What an estimate assumes about the traffic and the work that it causes. The output lists the assumptions.

export interface Traffic {
  /** Spread evenly over the day. */
  eventsPerDay: number;
  /** Size of an event's JSON. */
  eventBytes: number;
  /** How many events the producers pack into a Kinesis record. */
  eventsPerRecord: number;
  /** How many events a tracker sends in a request. With a collector these are a record's, and eventsPerRecord does not count. */
  eventsPerRequest: number;
  /** Percentage of lines that go to the quarantine. */
  quarantinePercent: number;
  /** Percentage of events that arrive on a later date than that of their `event_time`. */
  latePercent: number;
  /** The dates before today that these events are spread over, evenly. */
  lateDays: number;
  /** How many times the average the busiest second is. Shards must handle that second. */
  peakFactor: number;
  /** Months of data that the stack holds. Storage and runs are estimated for the month after them. */
  months: number;
  /** Queries by people, in addition to the pipeline's own. */
  queriesPerDay: number;
  /** Days of data that such a query reads. */
  daysPerQuery: number;
  /** Executions started by hand if the schedule is off. */
  executionsPerDay: number;
}

export const USUAL: Traffic = {
  eventsPerDay: 1_000_000,
  eventBytes: 500,
  eventsPerRecord: 10,
  eventsPerRequest: 3,
  quarantinePercent: 1,
  latePercent: 1,
  lateDays: 30,
  peakFactor: 3,
  months: 12,
  queriesPerDay: 20,
  daysPerQuery: 7,
  executionsPerDay: 1,
};

/** The work of one event or one run. Measured with this code unless marked "Assumed". */
export const WORK = {
  /** gzip of the raw line, level 6: 630 KB for 8,000 events. */
  rawBytesPerEvent: 79,
  /** Parquet with zstd: 77 MB for a million events. */
  curatedBytesPerEvent: 77,
  /** Assumed: what the ingest adds to an event's JSON, its arrival most of all. Firehose buffers by these bytes. */
  arrivalBytesPerEvent: 160,
  /** The share of a curated event that a query of a few columns reads. */
  queriedShare: 0.3,
  /** The id of a curated event: what the lookup of known events and the check of a run read. */
  idBytesPerEvent: 20,
  /** Ingest on one core: `npm run bench -- ingest`, 76,000 events a second. */
  ingestCoreSecondsPerEvent: 1 / 76_000,
  /** Lambda gives one core at this memory size, and less in proportion below it. */
  mbPerCore: 1769,
  /** Assumed: an invocation's time without its events, mostly the PUT. */
  ingestSecondsPerBatch: 0.15,
  /** Assumed: a call of to-parquet without its events: its start, one GET and three PUT. */
  parquetSecondsPerObject: 1,
  /** to-parquet on one core: 30,000 events in 1.85 core-seconds. */
  parquetCoreSecondsPerEvent: 1 / 16_000,
  /** Assumed: Snappy in smaller files takes about twice the bytes of the job's files. */
  arrivedBytesPerEvent: 140,
  /** Assumed: a request to the collector, which mostly waits for Kinesis. */
  collectorSecondsPerRequest: 0.03,
  /** An environment of the collector reads the write key every five minutes. Assumed: there is one at a time. */
  writeKeyReadsPerHour: 12,
  /** A line of the access log. The collector's own log has just what goes wrong. */
  logBytesPerRequest: 400,
  /** Assumed: one call of look-for-new, whose listings and start are most of it. */
  otherLambdaSeconds: 1,
  /** Assumed: a run with nothing to do, from the script's start to its end. */
  sparkBaseSeconds: 45,
  /** `npm run bench -- spark`: 50 core-seconds for a million events. */
  sparkCoreSecondsPerEvent: 50e-6,
  /** Assumed: opening a file in S3 from a Spark task. */
  sparkSecondsPerFile: 0.05,
  /** Assumed: ids are read at 65 MB a second and core. Not measured on a large lake. */
  sparkCoreSecondsPerKnownEvent: 0.3e-6,
  /** Assumed: Parquet encoding is 27 % of the 50 core-seconds of a million events, and reading takes as long. */
  compactionCoreSecondsPerEvent: 27e-6,
  /** A worker of size 1 has four cores. One worker is the driver. */
  coresPerDpu: 4,
  /** Memory of a driver of size 1 that the job's own Python process and Spark's can use. */
  driverMb: 10_240,
  /** Assumed: what the driver keeps of an object that it lists or takes: its key twice, and Spark's own record. */
  driverBytesPerObject: 2_000,
  /** Assumed: AWS's example of a crawl has two DPUs. */
  crawlerDpus: 2,
  /** A crawl is billed as ten minutes at least. Up to that it is assumed to take. */
  crawlerSeconds: 600,
  /** Assumed: what a crawl takes until the state machine sees its end. */
  crawlLookSeconds: 120,
  /** Assumed with more than two workers: Glue keeps only the driver and one executor while a run starts and ends. */
  workersAtRest: 2,
  /** Files reach this share of targetFileMb, which counts bytes before compression. */
  fileShare: 0.4,
  /** Assumed bytes of log per ingest invocation and per execution (state machine and job). */
  logBytesPerInvocation: 1500,
  logBytesPerExecution: 400_000,
  /** Assumed: the same without the job, if nothing was new. */
  logBytesPerIdleExecution: 20_000,
  /** CloudWatch stores logs compressed. */
  logCompression: 0.15,
  /** Kinesis, the producer and the consumer each request a data key from KMS every five minutes. */
  streamKeyRequestsPerHour: 36,
} as const;
