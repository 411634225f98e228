// The rows that only a person can check: they take days, eyes, an inbox, or something that the run must not touch.

import { EXECUTION, type Row } from "./row";

const NO_FIREHOSE = "the run deploys `way: stream`";

export const BY_PERSON: readonly Row[] = [
  {
    id: "foreign-key",
    what: "the deploying role cannot put the stack's tags on an existing key (`customerKey`, `alarms`)",
    command:
      "aws kms tag-resource --key-id ANOTHER_KEY --tags TagKey=Project,TagValue=clickstream TagKey=Stack,TagValue=NAME, as that role",
    inWords: true,
    see: "`AccessDeniedException`",
    ifNot:
      "remove the tags; remove PutKeyPolicy and ScheduleKeyDeletion from ChangeItsKey in `infra/deployer/deployer-policy.json`",
    byPerson: "it needs a key of another stack",
  },
  {
    id: "tags-change",
    what: "the deploying role can change the other tags of the stack's key",
    command:
      "pulumi config set --path tags.CostCenter data, then pulumi up as that role, six minutes after the first one",
    inWords: true,
    see: "the update succeeds",
    ifNot:
      "CloudTrail shows the `aws:TagKeys` that were sent: correct ChangeTheOtherTagsOfItsKey in `infra/deployer/deployer-policy.json`",
    byPerson:
      "the run removes one tag from its key and adds none; a new key's tags count after up to five minutes",
  },
  {
    id: "commands-policy",
    what: "the policy for the commands is enough",
    command:
      "npm run doctor, query, execute, empty-buckets and leftovers, each with --stack NAME, as a role with only the policy `…-commands-1`",
    inWords: true,
    see: "no `AccessDenied`",
    ifNot: "add the action that the message names to `infra/deployer/commands-policy.json`",
    byPerson: "it needs a second role",
  },
  {
    id: "firehose-execution",
    what: "with `way: firehose`, Firehose can use its role, call the ingest and write to S3, and an execution waits until it has",
    command: `${EXECUTION} --input '{"simulate": {"events": 2000, "seed": 7}}', in a stack of Pulumi.firehose.yaml`,
    inWords: true,
    see: "SUCCEEDED; sent = curated + quarantined + duplicates; objects `raw/year=.../….jsonl.gz` with the extension once; the log group `/clickstream-NAME/delivery` is empty",
    ifNot:
      "`aws logs tail /clickstream-NAME/delivery` has Firehose's error: add the denied call to the role in `infra/ingest/delivery.ts`; a name without `.jsonl.gz` is not read: correct fileExtension there",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "firehose-given-up",
    what: "with `way: firehose`, records that the ingest cannot take are kept under `aws/firehose/`, one JSON line each with `rawData`",
    command:
      'aws lambda put-function-concurrency --function-name "$(pulumi stack output ingestFunction)" --reserved-concurrent-executions 0, then an event to the collector or the delivery stream, then npm run live -- --stack NAME; aws lambda delete-function-concurrency afterwards',
    inWords: true,
    see: "after the retries an object under `aws/firehose/processing-failed/year=.../`; the live view counts it; the next mail warns",
    ifNot:
      "`aws s3 ls --recursive s3://RAW_BUCKET/aws/`: another folder means another error type, or another prefix in `infra/ingest/delivery.ts`",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "firehose-live",
    what: "with `way: firehose`, the live view shows each event once, after at most the buffer and some seconds",
    command:
      "npm run live -- --stack NAME, as a role with only the policy of docs/live.md, while events arrive",
    inWords: true,
    see: "lines a minute as in the metric IncomingRecords of AWS/Firehose; no `AccessDenied`; the median from Firehose is below the buffer and 10 s",
    ifNot:
      "the page's status has the error; if lines come late, compare the LastModified of an object with the time at which `aws s3 ls` first has it (`APPEARS_WITHIN_MS` in `cli/live/new-objects.ts`)",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "firehose-second-up",
    what: "with `way: firehose` or `way: arrival`, a second `pulumi up` changes nothing",
    command:
      "pulumi up --expect-no-changes --diff, after the first pulumi up, in a stack of each way; also with firehoseBufferSeconds 0 and 900",
    inWords: true,
    see: "exit code 0 each time, and AWS takes both ends of the buffering",
    ifNot:
      "set the input that the diff names to the value that AWS returns, in `infra/ingest/delivery.ts` or `infra/transform/arrival.ts`: the provider shows a difference for parameters of the processor that are AWS's defaults",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "firehose-key",
    what: "with `way: firehose` and `customerKey`, Firehose uses the stack's key by a grant that the deploying role may make, in the first `pulumi up` too",
    command:
      'pulumi config set customerKey true, pulumi up as a role with only the deployer\'s policies, then: aws firehose describe-delivery-stream --delivery-stream-name "$(pulumi stack output deliveryStreamName)" --query DeliveryStreamDescription.DeliveryStreamEncryptionConfiguration',
    inWords: true,
    see: "`ENABLED` with the stack's key; an execution with simulated traffic succeeds; customerKey false, pulumi up: `AWS_OWNED_CMK`",
    ifNot:
      "`aws cloudtrail lookup-events` has the denied call with its conditions: correct LetFirehoseUseKeysThatCarryNoOtherTags in `infra/deployer/deployer-policy.json`",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "arrival-execution",
    what: "with `way: arrival`, S3 calls to-parquet for each raw object, and the view shows each event once",
    command: `${EXECUTION} --input '{"simulate": {"events": 2000, "seed": 7}}', in a stack with way arrival, then npm run query -- --stack NAME "SELECT count(*), count(DISTINCT event_id) FROM events WHERE event_date >= current_date - INTERVAL '1' DAY"`,
    inWords: true,
    see: "SUCCEEDED without a run of the job; both numbers are equal; Athena reads only the days of the condition (the bytes scanned do not grow with the lake)",
    ifNot:
      "an error that names the view: compare `SHOW CREATE VIEW events` with `infra/catalog/view.ts`; no files under `arrived/`: `aws s3api get-bucket-notification-configuration --bucket RAW_BUCKET`, and the log `/clickstream-NAME/to-parquet`",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "arrival-failed",
    what: "with `way: arrival`, the event of an object that to-parquet cannot take reaches the queue, the alarm fires, and `npm run redrive` sends it again",
    command:
      'aws lambda put-function-concurrency --function-name "$(pulumi stack output toParquetFunction)" --reserved-concurrent-executions 0, send events, wait six hours (or let it fail: remove its right to write, which takes minutes); give it back, then npm run redrive -- --stack NAME',
    inWords: true,
    see: "a message in the queue, the mail of the alarm objects-failed, then the rows in the view",
    ifNot:
      "no message: DestinationDeliveryFailures of AWS/Lambda above 0 means that the function's role may not send to the queue or use its key (`infra/transform/arrival.ts`)",
    byPerson: NO_FIREHOSE,
  },
  {
    id: "crawler-rebuilt",
    what: "with `crawler: true`, a day that was rebuilt stays registered where it is",
    command:
      'reprocess a day, then an execution with new events, then: aws glue get-partition --database-name "$(pulumi stack output database)" --table-name events --partition-values DAY --query Partition.StorageDescriptor.Location',
    inWords: true,
    see: "the location under `rebuilt/`, before and after the crawl",
    ifNot:
      "the crawler changed it although its role may not: set crawler false, and an execution with fullRepair; then the table needs an exclusion (`infra/catalog/crawler.ts`)",
    byPerson: "each execution of the run would wait minutes for a crawl",
  },
  {
    id: "crawler",
    what: "with `crawler: true`, Glue can use the crawler's role, and a crawl after a run changes no column that the tables declare; `crawler: false` removes it",
    command: `${EXECUTION} --input '{"simulate": {"events": 2000}}'; then pulumi config set crawler false and pulumi up`,
    inWords: true,
    see: "the state CrawlTable succeeds; `aws glue get-table` shows the same columns before and after; then `aws glue get-crawlers` has no crawler of the stack",
    ifNot:
      "`aws logs tail /aws-glue/crawlers` has the error; the policy and the configuration of the crawler are in `infra/catalog/crawler.ts`",
    byPerson: "each execution of the run would wait minutes for a crawl",
  },
  {
    id: "collector-throttled",
    what: "API Gateway throttles the collector, logs it, and the count is a metric (`collector`)",
    command: `seq 2000 | xargs -P 200 -I{} curl -s -o /dev/null -w '%{http_code}\\n' -H "origin: $ORIGIN" "$(pulumi stack output collectorUrl)/health" | sort | uniq -c; some minutes later: aws cloudwatch get-metric-statistics --namespace Clickstream --metric-name RequestsThrottled --dimensions Name=Stack,Value=clickstream-NAME ...`,
    inWords: true,
    see: "some 429 beside 200; a sum above 0; `aws logs tail /aws/vendedlogs/apigateway/clickstream-NAME/collector` has lines with `429`, and none with an address",
    ifNot:
      "no lines with 429: watch `4xx` of AWS/ApiGateway instead (`infra/observe/alarms.ts`); lines but no metric: compare the filter's pattern in `infra/collect/collector.ts` with a line",
    byPerson: "it takes 2,000 requests at once, and whether a 429 has CORS headers is seen in a browser only",
  },
  {
    id: "collector-tags",
    what: "another stack's API cannot be changed by the deploying role",
    command:
      "aws apigatewayv2 update-api --api-id API_OF_ANOTHER_STACK --description x, and aws apigatewayv2 get-routes --api-id THAT_API, as that role",
    inWords: true,
    see: "`AccessDeniedException` for both",
    ifNot:
      "if just the second succeeds, AWS sends no tags for what is below an API: nothing to do; if the first succeeds, compare the tags in `infra/deployer/deployer-policy.json`, HttpApiThatCarriesNoOtherTags",
    byPerson: "it needs an API of another stack",
  },
  {
    id: "uploads",
    what: "the job's tasks write the files themselves, on every worker",
    command:
      'after a run over at least as many dates as there are workers: aws s3 ls --recursive "s3://$(pulumi stack output curatedBucket)/events/"',
    inWords: true,
    see: "each new file is `part-<execution>-<time>-<task>.parquet`, with several task numbers, and no folder `_temporary`",
    ifNot:
      "`aws logs tail /clickstream-NAME/transform/error` has the error of the task. `ModuleNotFoundError`: Glue no longer has pyarrow, so add it to `--additional-python-modules`. `NoCredentialsError`: the workers give Python no credentials, so pass those of the driver in `S3Uploads`",
    byPerson: "it takes a run with files from several workers, and a look at their names",
  },
  {
    id: "job-package",
    what: "the driver and the workers import the job's package (`--extra-py-files`)",
    command: "npm run execute -- --stack NAME, after some events",
    inWords: true,
    see: "the execution succeeds, and there are new files under `events/`",
    ifNot:
      "`ModuleNotFoundError: clickstream` in `aws logs tail /clickstream-NAME/transform/error`: compare the job's `--extra-py-files` with `aws s3 ls s3://SCRIPTS_BUCKET/scripts/`",
    byPerson:
      "the executions of the run show the driver; the workers show only with files from several of them",
  },
  {
    id: "head",
    what: "the job replaces the head object by conditional PUTs, also after the first run",
    command:
      'aws s3api head-object --bucket "$(pulumi stack output curatedBucket)" --key runs/head.json --query "[ETag, LastModified]" after two executions with events',
    inWords: true,
    see: "another ETag after each; both executions SUCCEEDED",
    ifNot: "the job's log names S3's error: correct `S3Store.swap` in `glue-scripts/clickstream/aws.py`",
    byPerson: "the executions of `npm run accept` show that a run commits, not which condition S3 checked",
  },
  {
    id: "missing-partitions",
    what: "BatchGetPartition returns no key of a partition that does not exist",
    command:
      'aws glue batch-get-partition --database-name "$(pulumi stack output database)" --table-name events --partitions-to-get Values=1999-01-01',
    see: "empty `Partitions` and empty `UnprocessedKeys`",
    ifNot:
      "nothing breaks: the job asks for such partitions one by one. Count these calls in `cli/cost/calls.ts`",
    byPerson: "AWS's documentation leaves it open, and it changes only the number of calls",
  },
  {
    id: "compaction",
    what: "compaction copies, tags and removes files with the job's role",
    command:
      "send late events for a day older than two days, in three runs an hour apart, and look at the mails of these runs",
    inWords: true,
    see: "`Days compacted` in the third mail, no `compaction failed` in a subject",
    ifNot: "the warning in the mail names the denied call: add it to `infra/transform/transform.ts`",
    byPerson: "it takes three hours",
  },
  {
    id: "older-columns",
    what: "a day that was registered before a column was added is readable",
    command: "SELECT event_id, page_title FROM events WHERE event_date = DATE 'OLD_DAY' LIMIT 5",
    see: "rows with an empty `page_title`, and no `HIVE_PARTITION_SCHEMA_MISMATCH`",
    ifNot: "reprocess that day: its partition is registered again with the table's columns",
    byPerson: "it needs a stack that an earlier version deployed",
  },
  {
    id: "busy-schedule",
    what: "an execution of the schedule ends without a mail if the job is busy",
    command: `start an execution, and right after it: ${EXECUTION} --input '{"scheduled": true}'`,
    inWords: true,
    see: "the second one is SUCCEEDED with `skipped` in its output, and sends no mail",
    ifNot: "the execution's history has the error's name: correct it in the Catch of TransformEvents",
    byPerson: "it takes two executions at once, which would change the counts of the run",
  },
  {
    id: "no-events",
    what: "`no-events` fires when events stop, and is OK again with the next one",
    command: "alarmNoEventsMinutes 10; send events, wait 20 minutes, send events",
    inWords: true,
    see: "a mail of the alarm, then the state OK; no mail in a new stack without events",
    ifNot:
      "`alarmNoEventsMinutes: 0` turns it off; `aws cloudwatch describe-alarms` shows the StateReason: correct the expression in `infra/observe/alarms.ts`",
    byPerson: "it takes half an hour of silence",
  },
  {
    id: "no-success",
    what: "`no-success` counts the executions that verified a run",
    command:
      "aws cloudwatch get-metric-statistics --namespace Clickstream --metric-name RunSeconds --dimensions Name=Stack,Value=clickstream-NAME --statistics SampleCount ..., after some executions",
    inWords: true,
    see: "one for each execution that succeeded without `skipped`",
    ifNot: "look at the state RecordMetrics of an execution",
    byPerson: "it takes hours of executions",
  },
  {
    id: "stream-mode",
    what: "the stream's mode can be changed, and changed back with the number of open shards",
    command:
      "streamMode ON_DEMAND, pulumi up; then PROVISIONED with the shardCount that `npm run doctor -- --stack NAME` names, pulumi up",
    inWords: true,
    see: "both succeed",
    ifNot:
      "if `kinesis:UpdateStreamMode` is denied, add the resource that AWS names to `infra/deployer/deployer-policy.json`",
    byPerson: "AWS allows two changes of the mode in 24 hours, and the run needs the stream unchanged",
  },
  {
    id: "subscription",
    what: "a subscription that was not confirmed within two days is created again",
    command: "leave one unconfirmed for 48 hours, then pulumi up --refresh",
    inWords: true,
    see: "a new confirmation mail",
    ifNot: "run the command that `pulumi stack output subscribeCommand` shows",
    byPerson: "it takes two days",
  },
  {
    id: "aggregates",
    what: "aggregates of the Kinesis Producer Library are unpacked",
    command: "send events with a producer that aggregates (KPL, Fluent Bit), then start an execution",
    inWords: true,
    see: "all events are curated, and the quarantine has no `broken_aggregate`",
    ifNot:
      "the payload in the quarantine is the whole record in base64: compare it with `lambdas/ingest/aggregate.ts`",
    byPerson: "it needs such a producer",
  },
  {
    id: "mail-arrives",
    what: "the mails arrive, and their links work",
    command: "follow the link of the confirmation mail, then start an execution",
    inWords: true,
    see: "a mail within a minute, in your inbox and not in the spam folder",
    ifNot: "`npm run doctor -- --stack NAME` names the addresses that have not confirmed",
    byPerson: "only the person who owns an address sees its inbox",
  },
  {
    id: "dashboard",
    what: "the dashboard shows data",
    command: "open `clickstream-NAME` under CloudWatch, Dashboards, after an execution",
    inWords: true,
    see: "data in all widgets, except those of faults that did not happen",
    ifNot:
      "`infra/observe/dashboard.ts`: an empty widget uses a metric or a dimension that CloudWatch does not have",
    byPerson: "only a person can see whether a widget shows data",
  },
  {
    id: "volume-drop",
    what: "`volume-drop` compares two days (`DIFF` in an alarm)",
    command:
      "aws cloudwatch describe-alarms --alarm-names clickstream-NAME-volume-drop --query 'MetricAlarms[0].[StateValue,StateReason]' on the third day",
    inWords: true,
    see: "`OK`, and the reason has a data point",
    ifNot: "`alarmVolumeDropPercent: 0` turns it off; correct the expression in `infra/observe/alarms.ts`",
    byPerson: "it takes three days",
  },
  {
    id: "budget",
    what: "the budget counts this stack (`monthlyBudgetUsd`)",
    command:
      "aws budgets describe-budget --account-id ACCOUNT --budget-name clickstream-NAME --query Budget.CalculatedSpend two days after the tags were activated",
    inWords: true,
    see: "a sum above 0",
    ifNot: "activate Project and Stack as cost allocation tags in the payer account",
    byPerson: "it takes two days, and a person has to activate the cost allocation tags",
  },
  {
    id: "estimate",
    what: "the cost estimate is close to the bill",
    command:
      "after a month, compare the bill by the tag `Stack` in Cost Explorer with `npm run cost -- --stack NAME --events-per-day N`",
    inWords: true,
    see: "Glue's DPU hours, S3 requests and the CloudWatch line are close to the estimate",
    ifNot: "correct `cli/cost/assumptions.ts`",
    byPerson: "it takes a month",
  },
  {
    id: "stack-readme",
    what: "Pulumi's console shows the stack's README",
    command: "open the stack's page in Pulumi's console",
    inWords: true,
    see: "a text with the stack's outputs",
    ifNot: "correct `Pulumi.README.md`",
    byPerson: "it is a page in a browser",
  },
];
