// The table "To be seen once on AWS", for docs/deployment.md, npm run accept and its report. Most serious first.

import { collects } from "./checks/collector";
import {
  isOff,
  jobTime,
  leftovers,
  noKnownVulnerabilities,
  scheduled,
  scheduleOff,
  secondUp,
  tagIndex,
} from "./checks/lifecycle";
import { ingestLines, jobSaysWhy, logGroups } from "./checks/logs";
import {
  alarmFires,
  alarmsQuiet,
  ingestMetrics,
  mailsPublished,
  mappingMetrics,
  runMetrics,
  traces,
} from "./checks/monitoring";
import { deployerSuffices, functionsRun, nothingDenied, passes } from "./checks/permissions";
import { quotasSuffice } from "./checks/quotas";
import {
  givenUp,
  partitions,
  poisoned,
  quiet,
  raised,
  recovered,
  refused,
  reprocessed,
  simulated,
} from "./checks/runs";
import { EXECUTION, type Row } from "./row";
import { BY_PERSON } from "./rows-by-person";
import { SWITCHES } from "./switches";
import { seen } from "./verdict";

const NO_METRICS = "the local stack stores no metrics";
const NO_ALARMS = "the local stack stores alarms and evaluates none";
const NO_ENGINE = "the local stack has no engine that changes a resource in place";
/** Minutes after the executions, and before alarms and tracing are turned off. */
const LATE = "schedule";
/** As late as possible, as CloudTrail has a delay; without the key, roles are denied on purpose. */
const BEFORE_THE_KEY = `off: ${SWITCHES[SWITCHES.findIndex(({ id }) => id === "customerKey") - 1]?.id}`;

export const ROWS: readonly Row[] = [
  {
    id: "glue-role",
    what: "Glue may assume its role. AWS does not document whether Glue sends `aws:SourceAccount` for job roles; the trust policy compares it only if it is sent (`StringEqualsIfExists`)",
    command: `${EXECUTION} --input '{"simulate": {"events": 2000}}'`,
    see: "the state TransformEvents succeeds",
    ifNot:
      "if Glue cannot assume the role: remove the condition for `glue.amazonaws.com` in `trustPolicy` (`infra/blocks/permissions.ts`), run `pulumi up`, and record it in docs/decisions",
    after: "simulate",
    check: passes("TransformEvents"),
    notLocal: "on the local stack the emulator decides which condition keys Glue sends",
  },
  {
    id: "deploy",
    what: "the program deploys",
    command: "pulumi up",
    see: "all resources are created",
    ifNot:
      "the line that begins with `error:` names the resource and AWS's error; `npm run doctor -- --stack NAME` checks quotas and credentials",
    after: "deploy",
    check: async ({ outputs }) => seen(`deployed: ${outputs.stateMachineArn}`),
  },
  {
    id: "deployer-policy",
    what: "the deployer's policy suffices",
    command:
      "pulumi up, pulumi up with another value of each key that you use, pulumi destroy, as a role without other policies (`npm run accept -- --stack NAME --role ARN`)",
    inWords: true,
    see: "no `AccessDenied`",
    ifNot:
      'add the action and resource that the message names to `infra/deployer/deployer-policy.json`, and the call to `test/infra/provider-calls.json`. If `kms:TagResource` is denied: replace NotResource by `"Resource": "*"` in TagTheNewKeyButNoExistingOne. The role can then take over keys without tags',
    after: "destroy",
    needs: ["deploy"],
    check: deployerSuffices,
    notLocal: "the local stack deploys as the account's root",
  },
  {
    id: "function-roles",
    what: "the functions can use their roles",
    command:
      'aws lambda get-function-configuration --function-name "$(pulumi stack output ingestFunction)" --query State',
    see: '`"Active"`; the states SimulateTraffic, AwaitIngest and LookForNew succeed',
    ifNot:
      "the execution's cause names the denied call: add it to the function's permissions (`infra/collect/collect.ts`, `infra/ingest/ingest.ts`, `infra/transform/transform.ts`)",
    after: "simulate",
    check: functionsRun,
  },
  {
    id: "execution",
    what: "an execution with simulated traffic succeeds, with the stack's own key (`customerKey`), and its numbers add up",
    command: `${EXECUTION} --input '{"simulate": {"events": 2000, "seed": 7}}'`,
    see: "SUCCEEDED; sent = curated + quarantined + duplicates; Athena counts as many rows; no `KMSAccessDenied`",
    ifNot: "docs/operations.md, by the state that failed",
    after: "simulate",
    check: simulated,
  },
  {
    id: "denials",
    what: "no call of a role of the stack was denied",
    command:
      "aws cloudtrail lookup-events --start-time ... --query \"Events[?contains(CloudTrailEvent, 'AccessDenied')]\"",
    see: "no event of a role under the path `/clickstream-NAME/`",
    ifNot:
      "add the action to the role's permissions, and the call to the test in test/e2e/permissions.test.ts",
    after: BEFORE_THE_KEY,
    needs: ["simulate"],
    check: nothingDenied,
    notLocal: "the local stack has no CloudTrail; test/e2e/permissions.test.ts looks at its own record",
  },
  {
    id: "second-up",
    what: "a second `pulumi up` changes nothing",
    command: "pulumi up --expect-no-changes --diff",
    see: "exit code 0",
    ifNot: "set the input that the diff names to the value that AWS returns: AWS or the provider fills it in",
    after: "second-up",
    check: secondUp,
    notLocal: "the local stack has no engine that compares",
  },
  {
    id: "quotas",
    what: "the credentials work and the quotas are high enough",
    command: "npm run doctor -- --stack NAME",
    see: "a number for each quota, and no ✗",
    ifNot: "request a higher quota at the address that the doctor shows",
    after: "second-up",
    needs: ["deploy"],
    check: quotasSuffice,
    notLocal: "the local stack has no quotas",
  },
  {
    id: "poison",
    what: "invalid lines go to the quarantine, and the other lines of their record do not; a gzipped record is unpacked",
    command: 'npm run query -- --stack NAME "SELECT reason, count(*) FROM quarantine GROUP BY 1"',
    see: "each invalid line once, with its reason, also with a bound on `arrival_day`; the valid lines of the same records are curated",
    ifNot:
      "`aws logs tail` of the ingest's group: the batch's line has the counts. If the lines are in S3 only: the parameters `projection.*` of the table (`infra/catalog/quarantine-days.ts`)",
    after: "poison",
    check: poisoned,
  },
  {
    id: "given-up",
    what: "a batch that cannot be stored is kept under `aws/lambda/` in the raw bucket",
    command: 'aws s3 ls --recursive "s3://$(pulumi stack output rawBucket)/aws/lambda/"',
    see: "an object that holds the records",
    ifNot:
      "`aws lambda get-event-source-mapping`: LastProcessingResult has the cause; the ingest's role needs s3:PutObject and s3:ListBucket there",
    after: "give-up",
    check: givenUp,
  },
  {
    id: "refused-input",
    what: "an unknown key in the input is refused, and the mail names it",
    command: `${EXECUTION} --input '{"simulat": {}}'`,
    see: "FAILED, with the key in the cause",
    ifNot: "`statemachine/rules/input-problems.jsonata`",
    after: "refuse",
    check: refused,
  },
  {
    id: "failed-job",
    what: "a job that raises an exception ends the execution, with the exception as the cause",
    command: 'aws stepfunctions describe-execution --execution-arn ARN --query "[status, cause]"',
    see: "FAILED at TransformEvents, with the message of the exception",
    ifNot: "compare `aws glue get-job-run`, ErrorMessage, with `statemachine/rules/cause-in-words.jsonata`",
    after: "raise",
    check: raised,
  },
  {
    id: "recovered",
    what: "the execution after a failed one curates the events that the failed one did not",
    command: 'npm run query -- --stack NAME "SELECT count(*), count(DISTINCT event_id) FROM events"',
    see: "every event once",
    ifNot: "docs/operations.md, State TransformEvents",
    after: "poison",
    needs: ["raise", "poison"],
    check: recovered,
  },
  {
    id: "job-log",
    what: "the script's output is in the log group that the failure mail names",
    command: "aws logs tail /clickstream-NAME/transform/output --since 1h",
    see: "the traceback of the script",
    ifNot:
      "look in `/clickstream-NAME/transform/error`; if it is there, correct the link in `statemachine/mails`",
    after: "raise",
    check: jobSaysWhy,
    notLocal: "on the local stack the emulator decides which group Python's output goes to",
  },
  {
    id: "quiet",
    what: "an execution that finds nothing new starts no Glue run, and its mail says so",
    command: `${EXECUTION} --input '{}'`,
    see: "SUCCEEDED within seconds, the report's outcome is `nothing_new`, the state TransformEvents was not entered",
    ifNot:
      "`aws logs tail /clickstream-NAME/look-for-new` has the `reason`; after an error, add the denied call to `infra/transform/transform.ts`",
    after: "quiet",
    check: quiet,
  },
  {
    id: "reprocess",
    what: "a reprocess of a day changes no query result",
    command: `${EXECUTION} --input '{"reprocess": {"from": "DAY", "to": "DAY"}}'`,
    see: "as many rows and event_id as before; the partition has another location",
    ifNot: "docs/operations.md; `aws glue get-partition` shows the day's location",
    after: "reprocess",
    check: reprocessed,
  },
  {
    id: "collector",
    what: "the collector stores an event of its site, and serves the tracker whose hash is in the outputs (`collector`)",
    command: `curl -si "$(pulumi stack output collectorUrl)/v1/events" -H 'origin: https://www.example.com' -d '{"event_type":"page_view","event_time":"...","anonymous_id":"a"}'`,
    see: '200 `{"stored":1}`, `access-control-allow-origin: https://www.example.com`',
    ifNot:
      "500: the function may not be called (`allowInvocation` in `infra/collect/collector.ts`; look at the ARN in the access log's field collectorError) or fails (its log); 503: the function's role or the stream refuses the write; other CORS headers: `emulator/apigateway/cors.py` differs from AWS",
    after: "reprocess",
    needs: ["deploy"],
    check: collects,
  },
  {
    id: "partitions",
    what: "each day that was written is registered in the catalog",
    command:
      'aws glue get-partitions --database-name "$(pulumi stack output database)" --table-name events --query "Partitions[].Values"',
    see: "the partitions of the run report",
    ifNot: `start an execution with {"fullRepair": true}; then look at its state RepairPartitions`,
    after: "simulate",
    check: partitions,
  },
  {
    id: "mails",
    what: "each execution's mail is published",
    command:
      "aws cloudwatch get-metric-statistics --namespace AWS/SNS --metric-name NumberOfMessagesPublished --dimensions Name=TopicName,Value=NAME --period 3600 --statistics Sum --start-time ... --end-time ...",
    see: "one for each execution that ended that way",
    ifNot: "look at the execution's state NotifySuccess or NotifyFailure, and at the topic's policy and key",
    after: LATE,
    needs: ["simulate"],
    check: mailsPublished,
  },
  {
    id: "schedule",
    what: "EventBridge Scheduler can use its role and starts executions",
    command: "aws stepfunctions list-executions --state-machine-arn ARN --max-results 1",
    see: "an execution that was not started by hand, within a minute of the scheduled time",
    ifNot:
      "look at `aws cloudwatch get-metric-statistics --namespace AWS/Scheduler --metric-name TargetErrorCount ...` and at the trust policy of the schedule's role",
    after: "schedule",
    check: scheduled,
    notLocal: "the local stack stores schedules and starts nothing",
  },
  {
    id: "off: scheduleEnabled",
    what: "`scheduleEnabled: false` removes the schedule",
    command: "aws scheduler list-schedules",
    see: "no schedule whose target is the state machine",
    ifNot: "pulumi up --refresh, then `aws scheduler delete-schedule`",
    after: "schedule",
    check: scheduleOff,
    notLocal: NO_ENGINE,
  },
  {
    id: "log-groups",
    what: "each part writes to a log group of the stack, with a retention",
    command:
      'aws logs describe-log-groups --query "logGroups[].[logGroupName, retentionInDays, storedBytes]"',
    see: "six groups with lines; none under `/aws/lambda/clickstream-`",
    ifNot:
      "correct the part's logging configuration in `infra/`; a group outside of the stack stays after destroy",
    after: "reprocess",
    needs: ["simulate"],
    check: logGroups,
  },
  {
    id: "log-lines",
    what: "a log line is one object, with its fields at the top level",
    command: `aws logs tail "/clickstream-NAME/ingest" --since 1h --filter-pattern '{ $.batch = * }'`,
    see: "lines with `batch`, none with a `message` that is JSON",
    ifNot: "`lambdas/shared/log.ts`: the line must be JSON with `timestamp` and `level`",
    after: "reprocess",
    needs: ["simulate"],
    check: ingestLines,
    notLocal: "the local stack does not format lines as Lambda's runtime does",
  },
  {
    id: "alarms-quiet",
    what: "no alarm fires without a fault, minutes after the first `up` (`alarms`)",
    command: "aws cloudwatch describe-alarms --state-value ALARM --alarm-name-prefix clickstream-NAME-",
    see: "no alarm",
    ifNot: "read the alarm's StateReason; correct `infra/observe/alarms.ts`",
    after: "simulate",
    check: alarmsQuiet,
    notLocal: NO_ALARMS,
  },
  {
    id: "alarm-rings",
    what: "an alarm can publish to its topic, with its policy and key (`alarms`)",
    command:
      "aws cloudwatch describe-alarm-history --alarm-name clickstream-NAME-execution-failed --history-item-type Action",
    see: "`Successfully executed action` with the failure topic's ARN",
    ifNot:
      "the topic's policy must allow `cloudwatch.amazonaws.com` to publish, and the key's policy must allow it to use the key",
    after: LATE,
    needs: ["refuse"],
    check: alarmFires,
    notLocal: NO_ALARMS,
  },
  {
    id: "ingest-metrics",
    what: "the ingest's log lines become metrics",
    command: `aws cloudwatch get-metric-statistics --namespace Clickstream --metric-name EventsAccepted --dimensions Name=Stack,Value=clickstream-NAME --start-time "$(date -u -d '-1 hour' +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" --period 3600 --statistics Sum`,
    see: "the number of accepted events",
    ifNot:
      "compare the member `_aws` of the ingest's log lines with the specification of the embedded metric format",
    after: LATE,
    needs: ["simulate"],
    check: ingestMetrics,
    notLocal: NO_METRICS,
  },
  {
    id: "run-metrics",
    what: "the state machine can record metrics",
    command:
      "aws cloudwatch list-metrics --namespace Clickstream --dimensions Name=Stack,Value=clickstream-NAME",
    see: "`RowsCurated` and `RunSeconds`",
    ifNot: "look at the state RecordMetrics of an execution: its error names the denied call",
    after: LATE,
    needs: ["simulate"],
    check: runMetrics,
    notLocal: NO_METRICS,
  },
  {
    id: "mapping-metrics",
    what: "the counts of the event source mapping have its UUID, which the alarms use",
    command:
      "aws cloudwatch list-metrics --namespace AWS/Lambda --metric-name OnFailureDestinationDeliveredEventCount",
    see: "a dimension `EventSourceMappingUUID`",
    ifNot: "use the dimension that AWS shows in `infra/observe/metrics.ts`",
    after: LATE,
    needs: ["give-up"],
    check: mappingMetrics,
    notLocal: NO_METRICS,
  },
  {
    id: "traces",
    what: "traces arrive (`tracing`)",
    command: `aws xray get-trace-summaries --start-time "$(date -d '-1 hour' +%s)" --end-time "$(date +%s)"`,
    see: "traces of the state machine and its Lambdas",
    ifNot: "`infra/blocks/tracing.ts`: the role needs xray:PutTraceSegments",
    after: "give-up",
    needs: ["simulate"],
    check: traces,
    notLocal: "the local stack has no X-Ray",
  },
  ...SWITCHES.map(
    ({ id, command, see }): Row => ({
      id: `off: ${id}`,
      what: `${/ /.test(id) ? id : `\`${id}\``} can be turned off`,
      command,
      see,
      ifNot:
        "the provider keeps AWS's value if an input is left out: set the value that means off in `infra/`, and add the input to `test/infra/removals.slow.test.ts`",
      after: `off: ${id}`,
      check: isOff(id),
      notLocal: NO_ENGINE,
    }),
  ),
  {
    id: "tag-index",
    what: "the tag index has the stack's resources",
    command:
      "aws resourcegroupstaggingapi get-resources --tag-filters Key=Project,Values=clickstream Key=Stack,Values=NAME",
    see: "stream, functions, buckets, topics, state machine, job",
    ifNot: "a missing resource has no tags: `infra/blocks/tags.ts`",
    after: "reprocess",
    needs: ["deploy"],
    check: tagIndex,
    notLocal: "the local stack's index has no streams and no state machines",
  },
  {
    id: "job-time",
    what: "the job's base time is as the cost model assumes",
    command: `aws glue get-job-runs --job-name "$(pulumi stack output jobName)" --query 'JobRuns[].[ExecutionTime,DPUSeconds]'`,
    see: "45 to 90 seconds for a run with few events; the model assumes 45",
    ifNot: "correct `sparkBaseSeconds` in `cli/cost/assumptions.ts`, then `npm run docs`",
    after: "reprocess",
    needs: ["simulate"],
    check: jobTime,
    notLocal: "Spark on this machine is not Glue's",
  },
  {
    id: "leftovers",
    what: "nothing is left after `pulumi destroy`",
    command: "npm run leftovers -- --stack NAME",
    see: '"Nothing of the stack NAME is left", exit code 0',
    ifNot: "each line has the command that removes it",
    after: "destroy",
    check: leftovers,
  },
  {
    id: "npm-audit",
    what: "the packages have no known vulnerability",
    command: "npm audit (all), npm audit --omit=dev (what is deployed)",
    inWords: true,
    see: "`found 0 vulnerabilities`",
    ifNot: "npm install --save-exact NAME@VERSION with the version that npm names, then `npm test`",
    after: "deploy",
    needs: [],
    check: noKnownVulnerabilities(),
    notLocal: "a local run asks no registry",
  },
  ...BY_PERSON,
];
