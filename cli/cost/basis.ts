// What each line of an estimate rests on: a count of calls, a measurement of this program, or an assumption.

const CALLS = "calls of one execution (cli/cost/calls.ts) × executions";

const BASIS: Readonly<Record<string, string>> = {
  "Kinesis: shards": "`shardCount` × hours of a month",
  "Kinesis: PUT units": "records: events ÷ events a record, in steps of 25 KB",
  "Kinesis: retention of more than a day": "`streamRetentionHours`",
  "Kinesis: records older than 7 days": "`streamRetentionHours` × bytes of the events",
  "Kinesis: the stream, on demand": "hours of a month",
  "Kinesis: written, on demand": "bytes of the events, records rounded up to 1 KB",
  "Kinesis: read, on demand": "bytes of the events",
  "Firehose: records taken": "records: events ÷ events a record, in steps of 5 KB",
  "API Gateway: requests to the collector": "events ÷ events a request (assumed), in steps of 512 KB",
  "Lambda: collector, requests": "one for each request",
  "Lambda: collector, arm64": "0.03 s a request (assumed)",
  "Lambda: requests": "batches: `batchWindowSeconds`, `batchSize` and 6 MB end one",
  "Lambda: ingest, arm64": "76,000 events a second and core (measured) and 0.15 s a batch (assumed)",
  "S3: objects and listings of the ingest":
    "batches: one raw object, and for each hour with invalid lines a quarantine object and a listing",
  "S3: transitions to cheaper classes": "raw objects of 128 KB or more",
  "Glue: the job's workers": "runs × (45 s assumed + core-seconds measured), at least 60 s",
  "Glue: the crawler": "runs × 2 DPUs (assumed) × 10 minutes, the least that AWS bills",
  "S3: objects read by the crawler": "runs × files of the table × 2 (assumed): a crawl reads all of them",
  "S3: listings by the crawler": "runs × files of the table, 1,000 a page",
  "Glue Data Catalog: requests of the crawler": "runs × the table and its partitions, 1,000 a page",
  "Step Functions: state transitions of the crawl":
    "runs × 25 states: its start, and 8 looks in 2 minutes (assumed)",
  "Glue: the job's workers, FLEX": "as STANDARD. No run is repeated (assumed)",
  "S3: objects read by the job": CALLS,
  "S3: listings and files written by the job": CALLS,
  "Lambda: look-for-new, requests": "one for each execution",
  "Lambda: look-for-new, arm64": "1 s for each execution (assumed)",
  "S3: objects read by look-for-new": CALLS,
  "S3: listings by look-for-new": CALLS,
  "Lambda: to-parquet, requests": "one for each raw object",
  "Lambda: to-parquet, arm64": "1 s an object (assumed) and 16,000 events a second and core (measured)",
  "S3: objects read by to-parquet": "one for each raw object",
  "S3: files and markers written by to-parquet": "one for each date of each raw object, and a marker",
  "Lambda: check-arrival, requests": "one for each execution, two if something arrived",
  "Lambda: check-arrival, arm64": "1 s a call (assumed)",
  "Athena: arrived events in your queries":
    "queries × rows that the job has not removed: 20 bytes an id, twice, and 30 % of 140 bytes (assumed)",
  "Athena: the check of arrived events":
    "20 bytes for each id of the new events' dates, at least 10 MB a check",
  "S3: arrived files read by Athena": "4 for each file and query, 3 for each file and check (assumed)",
  "S3: objects read by check-arrival": CALLS,
  "S3: listings by check-arrival": CALLS,
  "Glue Data Catalog: database, tables, partitions": "days of data, each a partition",
  "Glue Data Catalog: requests": `${CALLS}; 20 for Athena's part (assumed)`,
  "Athena: the pipeline's check": "20 bytes for each new row, at least 10 MB a run",
  "Athena: your queries": "queries × days × 77 bytes a row (measured), 30 % of them read (assumed)",
  "S3: objects read by Athena": "of the check 1 or 2 for each file (counted), of your queries 4 (assumed)",
  "S3: listings and results of Athena": "one for each date (counted), two for each result (counted)",
  "Step Functions: state transitions": "states of the path, which a test compares with the state machine",
  "EventBridge Scheduler: invocations": "`scheduleExpression`",
  "SNS: mails published": "one for each run",
  "SNS: mails delivered": "one for each run and address",
  "CloudWatch Logs: written":
    "400 KB a run, 20 KB an idle execution, 1.5 KB a batch, 400 bytes a request to the collector (assumed)",
  "CloudWatch Logs: kept": "the same, compressed to 15 % (assumed)",
  "CloudWatch: alarms": "metrics that the declared alarms watch",
  "CloudWatch: dashboards": "declared dashboards. The three free ones of an account are not deducted",
  "CloudWatch: custom metrics":
    "metrics of the program that alarms and graphs use, and the six of the event source mapping",
  "CloudWatch: metrics recorded": "one request for each execution",
  "X-Ray: traces": "batches and executions, and 5 % of the requests to the collector",
  "KMS: requests": "36 an hour for the stream, one for each batch, 20 for each execution (assumed)",
  "KMS: customer keys": "declared keys",
  "Secrets Manager: secrets": "declared secrets",
  "Secrets Manager: requests":
    "one for each run if a field is hashed, 12 an hour if the collector has a write key (assumed)",
};

const STORED = /^S3: (raw events|curated events|arrived events|query results), /;

/** Throws for an item that this list does not have, so that no line goes without. */
export function basisOf(item: string): string {
  if (STORED.test(item))
    return "79 bytes a raw event, 77 a row, 1 KB a result (measured), 140 an arrived row (assumed), × days kept";
  const basis = BASIS[item];
  if (basis === undefined) throw new Error(`cli/cost/basis.ts does not say what "${item}" rests on`);
  return basis;
}

export const BASED_ITEMS: readonly string[] = Object.keys(BASIS);
