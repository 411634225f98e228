// Each check that a program does: what it says where all is as expected, and that it says so where a fault is planted.
import assert from "node:assert/strict";
import { noKnownVulnerabilities } from "../../../cli/accept/checks/lifecycle";
import { judge } from "../../../cli/accept/checks/quotas";
import type { Deployer } from "../../../cli/accept/deployer";
import { ROWS } from "../../../cli/accept/rows";
import type { Verdict } from "../../../cli/accept/verdict";
import type { ExecutionFact, World } from "../../../cli/accept/world";
import { type Answers, athena, execution, facts, OUTPUTS, simulated, world } from "./fakes";

interface Case {
  answers?: Answers;
  fields?: Partial<World>;
  /** A part of what it says. */
  says: RegExp;
}

interface Cases {
  good: Case;
  /** By the fault that is planted. */
  faults: Record<string, Case>;
}

const deployed = (log: string) => ({ log: () => log }) as Deployer;
const ROLE = "arn:aws:iam::123456789012:role/deployer";
const trail = (event: unknown) => ({ Events: [{ CloudTrailEvent: JSON.stringify(event) }] });
const denial = (issuer: string) =>
  trail({
    eventSource: "kinesis.amazonaws.com",
    eventName: "DescribeLimits",
    errorCode: "AccessDenied",
    errorMessage: "not authorized to perform: kinesis:DescribeLimits",
    userIdentity: { sessionContext: { sessionIssuer: { arn: issuer } } },
  });
const days = (...found: string[]) => ({ Partitions: found.map((day) => ({ Values: [day] })) });
const lambdas = (State: string) => ({ State, StateReason: "The role cannot be assumed" });
const sums = (Sum: number) => ({ GetMetricStatistics: { Datapoints: [{ Sum }] } });
const mapping = { ListEventSourceMappings: { EventSourceMappings: [{ UUID: "uuid-1" }] } };
const alarm = (name: string) => ({ AlarmName: `clickstream-accept-${name}`, StateReason: "no data" });
const failed = (cause: string, failedState = "CheckInput") =>
  execution({ status: "FAILED", error: "Broken", cause, failedState });
const poison = {
  ...execution(),
  marker: "accept-1",
  good: ["accept-1-good-0", "accept-1-good-1"],
  bad: ["bad a", "bad b"],
};
const poisonedLake = (events: string[], lines: string[]) =>
  athena((sql) =>
    sql.includes("FROM events") ? events.map((id) => [id]) : lines.map((line) => [line, "no JSON"]),
  );
const group = (logGroupName: string, retentionInDays: number | undefined = 1) => ({
  logGroupName,
  retentionInDays,
});
const GROUPS = [
  ...["simulator", "ingest", "await-ingest", "look-for-new", "transform/output", "transform/error"].map(
    (path) => group(`/clickstream-accept/${path}`),
  ),
  group("/aws/vendedlogs/states/clickstream-accept/pipeline"),
];
const groups = (found: unknown[], lines = [{ message: "one" }]) => ({
  DescribeLogGroups: { logGroups: found },
  FilterLogEvents: { events: lines },
});
const events = (...messages: string[]) => ({
  FilterLogEvents: { events: messages.map((message) => ({ message })) },
});
const day = (rows: number, ids: number, location: string) => ({ rows, ids, location });
const reprocess = (after: ReturnType<typeof day>, fields = {}) => ({
  fields: {
    facts: facts({
      reprocess: { ...execution(fields), day: "2026-11-26", before: day(9, 9, "s3://old"), after },
    }),
  },
});
const NOTHING = {
  seconds: 4,
  left: ["LookForNew", "RecordMetrics", "NotifySuccess"],
  report: { curated: 0, outcome: "nothing_new" } as ExecutionFact["report"],
};
const found = (fields: Partial<ExecutionFact>) => ({
  fields: { facts: facts({ quiet: execution(fields) }) },
});
const tagged = (...services: string[]) => ({
  GetResources: {
    ResourceTagMappingList: services.map((service) => ({ ResourceARN: `arn:aws:${service}:::x` })),
  },
});

const CASES: Record<string, Cases> = {
  "glue-role": {
    good: { says: /TransformEvents succeeded/ },
    faults: {
      "Glue cannot assume the role": {
        fields: {
          facts: facts({
            simulate: {
              ...failed("Role cannot be assumed", "TransformEvents"),
              left: ["AwaitIngest"],
              rowsBefore: 0,
            },
          }),
        },
        says: /TransformEvents did not succeed; .*FAILED at TransformEvents: Broken: Role cannot be assumed/,
      },
      "the state was left by its Catch": {
        fields: { facts: facts({ simulate: { ...failed("denied", "TransformEvents"), rowsBefore: 0 } }) },
        says: /did not succeed/,
      },
    },
  },
  "deployer-policy": {
    good: {
      answers: { LookupEvents: { Events: [] } },
      fields: { role: ROLE, facts: facts({ destroyed: true }), deployer: deployed("Resources: 80 created") },
      says: /destroy under arn:aws:iam/,
    },
    faults: {
      "pulumi says AccessDenied": {
        fields: {
          role: ROLE,
          facts: facts({ destroyed: true }),
          deployer: deployed("error: glue:GetPartitionIndexes: AccessDeniedException\nUpdating"),
        },
        says: /glue:GetPartitionIndexes/,
      },
      "the provider swallows a denial": {
        answers: { LookupEvents: denial(ROLE) },
        fields: { role: ROLE, facts: facts({ destroyed: true }) },
        says: /kinesis.amazonaws.com DescribeLimits: AccessDenied/,
      },
      "destroy did not go through": { fields: { role: ROLE }, says: /destroy did not succeed/ },
    },
  },
  "function-roles": {
    good: { answers: { GetFunctionConfiguration: lambdas("Active") }, says: /SimulateTraffic, AwaitIngest/ },
    faults: {
      "a function is not active": {
        answers: { GetFunctionConfiguration: lambdas("Failed") },
        says: /clickstream-ingest-1 is Failed: The role cannot be assumed/,
      },
    },
  },
  execution: {
    good: { answers: athena(() => [[90]]), says: /100 sent = 90 curated \+ 4 quarantined \+ 6 duplicates/ },
    faults: {
      "it failed": {
        fields: {
          facts: facts({ simulate: { ...failed("KMSAccessDenied", "AwaitIngest"), rowsBefore: 0 } }),
        },
        says: /FAILED at AwaitIngest: Broken: KMSAccessDenied/,
      },
      "events are missing": {
        fields: { facts: facts({ simulate: simulated({ sent: 101 }) }) },
        says: /1 missing/,
      },
      "Athena sees fewer": {
        answers: athena(() => [[89]]),
        says: /90 rows were curated, but Athena counts 89 more/,
      },
    },
  },
  denials: {
    good: {
      answers: { LookupEvents: denial(ROLE) },
      says: /1 roles; CloudTrail has no denial among 1 events/,
    },
    faults: {
      "a role of the stack was denied": {
        answers: { LookupEvents: denial("arn:aws:iam::123456789012:role/clickstream-accept/job-1") },
        says: /DescribeLimits: AccessDenied/,
      },
      "there is no role to look for": { fields: { facts: facts({ roles: [] }) }, says: /no role/ },
    },
  },
  "second-up": {
    good: { fields: { facts: facts({ secondUp: {} }) }, says: /changes nothing/ },
    faults: {
      "something would change": {
        fields: { facts: facts({ secondUp: { changes: "~ aws:s3:BucketVersioning" } }) },
        says: /BucketVersioning/,
      },
    },
  },
  poison: {
    good: {
      answers: poisonedLake(poison.good, poison.bad),
      fields: { facts: facts({ poison }) },
      says: /2 lines in the quarantine \(no JSON\), 2 good events curated/,
    },
    faults: {
      "a line is lost": {
        answers: poisonedLake(poison.good, ["bad a"]),
        fields: { facts: facts({ poison }) },
        says: /not in the quarantine: bad b/,
      },
      "a line is there twice": {
        answers: poisonedLake(poison.good, ["bad a", "bad b", "bad b"]),
        fields: { facts: facts({ poison }) },
        says: /2 bad lines were sent, but 3/,
      },
      "a neighbour is lost": {
        answers: poisonedLake(["accept-1-good-0"], poison.bad),
        fields: { facts: facts({ poison }) },
        says: /only these are curated: accept-1-good-0$/,
      },
    },
  },
  "given-up": {
    good: {
      fields: { facts: facts({ givenUp: { id: "x", key: "aws/lambda/x", holdsRecord: true } }) },
      says: /aws\/lambda\/x holds the event/,
    },
    faults: {
      "no object": {
        fields: { facts: facts({ givenUp: { id: "x", holdsRecord: false } }) },
        says: /no object under aws\/lambda\//,
      },
    },
  },
  "refused-input": {
    good: {
      fields: { facts: facts({ refuse: failed("The input's key simulat is not known.") }) },
      says: /simulat/,
    },
    faults: {
      "it was taken": { fields: { facts: facts({ refuse: execution() }) }, says: /ended SUCCEEDED/ },
      "the cause names nothing": {
        fields: { facts: facts({ refuse: failed("States.Runtime") }) },
        says: /does not name the key/,
      },
    },
  },
  "failed-job": {
    good: {
      fields: { facts: facts({ raise: failed("unknown action 'shred'", "TransformEvents") }) },
      says: /shred/,
    },
    faults: {
      "it succeeded": { fields: { facts: facts({ raise: execution() }) }, says: /ended SUCCEEDED/ },
      "the cause has not the script's words": {
        fields: { facts: facts({ raise: failed("Command failed with exit code 1", "TransformEvents") }) },
        says: /exit code 1/,
      },
    },
  },
  recovered: {
    good: { answers: athena(() => [[1]]), fields: { facts: facts({ poison }) }, says: /once/ },
    faults: {
      "the event is lost": {
        answers: athena(() => [[0]]),
        fields: { facts: facts({ poison }) },
        says: /accept-1-raised 0 times/,
      },
      "the event is there twice": {
        answers: athena(() => [[2]]),
        fields: { facts: facts({ poison }) },
        says: /2 times/,
      },
    },
  },
  "job-log": {
    good: { answers: events("ValueError: shred"), says: /transform\/output: ValueError: shred/ },
    faults: {
      "it is in the other group": {
        answers: {
          FilterLogEvents: ({ logGroupName }: { logGroupName: string }) => ({
            events: logGroupName.endsWith("error") ? [{ message: "ValueError: shred" }] : [],
          }),
        },
        says: /transform\/error has: ValueError/,
      },
      "it is nowhere": { answers: events(), says: /no log group of the job/ },
    },
  },
  quiet: {
    good: { ...found(NOTHING), says: /nothing new, in 4 s and without a Glue run/ },
    faults: {
      "a Glue run was started": {
        ...found({ ...NOTHING, left: ["LookForNew", "TransformEvents"] }),
        says: /a Glue run was started/,
      },
      "something was new": { ...found({ ...NOTHING, report: execution().report }), says: /outcome is/ },
      "it failed": { ...found({ ...NOTHING, status: "FAILED" }), says: /ended FAILED/ },
    },
  },
  reprocess: {
    good: { ...reprocess(day(9, 9, "s3://new")), says: /9 rows before and after, .* s3:\/\/new/ },
    faults: {
      "rows are lost": { ...reprocess(day(8, 8, "s3://new")), says: /and 8 with 8 after/ },
      "rows are doubled": { ...reprocess(day(18, 9, "s3://new")), says: /18 with 9/ },
      "nothing was switched": { ...reprocess(day(9, 9, "s3://old")), says: /still at s3:\/\/old/ },
      "it failed": { ...reprocess(day(9, 9, "s3://new"), { status: "FAILED" }), says: /ended FAILED/ },
    },
  },
  partitions: {
    good: { answers: { GetPartitions: days("2026-11-25", "2026-11-26") }, says: /2 partitions/ },
    faults: {
      "a day is not registered": {
        answers: { GetPartitions: days("2026-11-25") },
        says: /2026-11-26, which the catalog does not have/,
      },
    },
  },
  mails: {
    good: {
      answers: sums(1),
      fields: { facts: facts({ refuse: failed("x") }) },
      says: /PipelineSuccess-1 published 1, PipelineFailure-1 published 1/,
    },
    faults: {
      "none is published": {
        answers: { GetMetricStatistics: {} },
        says: /1 executions ended SUCCEEDED.*0 mails/,
      },
      "the mail of one failure is missing": {
        answers: sums(1),
        fields: { facts: facts({ refuse: failed("x"), raise: failed("y") }) },
        says: /2 executions ended FAILED, but PipelineFailure-1 published 1/,
      },
    },
  },
  schedule: {
    good: {
      fields: { facts: facts({ schedule: { execution: "e", status: "SUCCEEDED" } }) },
      says: /started e, which ended SUCCEEDED/,
    },
    faults: {
      "it starts nothing": { fields: { facts: facts({ schedule: {} }) }, says: /started no execution/ },
      "what it starts fails": {
        fields: { facts: facts({ schedule: { execution: "e", status: "FAILED" } }) },
        says: /ended FAILED/,
      },
    },
  },
  "off: scheduleEnabled": {
    good: {
      answers: { ListSchedules: { Schedules: [{ Name: "s", Target: { Arn: "another" } }] } },
      says: /no schedule/,
    },
    faults: {
      "it is still there": {
        answers: {
          ListSchedules: {
            Schedules: [{ Name: "s", State: "ENABLED", Target: { Arn: OUTPUTS.stateMachineArn } }],
          },
        },
        says: /schedule s: ENABLED/,
      },
    },
  },
  "log-groups": {
    good: { answers: groups(GROUPS), says: /vendedlogs/ },
    faults: {
      "one is missing": { answers: groups(GROUPS.slice(1)), says: /simulator does not exist/ },
      "one has no retention": {
        answers: groups([...GROUPS.slice(1), { logGroupName: "/clickstream-accept/simulator" }]),
        says: /has no retention: its lines never expire/,
      },
      "they are empty": { answers: groups(GROUPS, []), says: /is empty/ },
      "Lambda made its own": {
        answers: groups([...GROUPS, group("/aws/lambda/clickstream-ingest-1")]),
        says: /outside of the stack/,
      },
    },
  },
  "log-lines": {
    good: {
      // The first page is empty, as it is while CloudWatch still searches.
      answers: {
        FilterLogEvents: ({ nextToken }: { nextToken?: string }) =>
          nextToken
            ? { events: [{ message: '{"batch": "a", "message": "landed"}' }] }
            : { events: [], nextToken: "more" },
      },
      says: /1 lines/,
    },
    faults: {
      "fields are not at the top": { answers: events(), says: /no line/ },
      "JSON in the message": {
        answers: events('{"batch": "a", "message": "{\\"level\\": 1}"}'),
        says: /JSON in its message/,
      },
    },
  },
  "alarms-quiet": {
    good: {
      answers: {
        DescribeAlarms: ({ StateValue }: { StateValue?: string }) => ({
          MetricAlarms: StateValue ? [] : [alarm("no-events")],
        }),
      },
      says: /0 of 1 alarms firing/,
    },
    faults: {
      "one rings at once": {
        answers: { DescribeAlarms: { MetricAlarms: [alarm("no-events")] } },
        says: /no-events: no data/,
      },
      "there is none": { answers: { DescribeAlarms: { MetricAlarms: [] } }, says: /no alarm/ },
    },
  },
  "alarm-rings": {
    good: {
      answers: {
        DescribeAlarmHistory: {
          AlarmHistoryItems: [
            { HistoryItemType: "Action", HistorySummary: "Successfully executed action arn:aws:sns:x" },
          ],
        },
      },
      says: /Successfully executed action/,
    },
    faults: {
      "the topic refuses": {
        answers: {
          DescribeAlarmHistory: {
            AlarmHistoryItems: [
              {
                HistoryItemType: "Action",
                HistorySummary: "Failed to execute action arn:aws:sns:x",
                HistoryData: "KMSAccessDenied",
              },
            ],
          },
        },
        says: /Failed to execute action .*KMSAccessDenied/,
      },
      "it does not ring": {
        answers: {
          DescribeAlarmHistory: {
            AlarmHistoryItems: [{ HistoryItemType: "StateUpdate", HistorySummary: "Alarm updated to OK" }],
          },
        },
        says: /did nothing .*Alarm updated to OK/,
      },
    },
  },
  "ingest-metrics": {
    good: { answers: sums(90), says: /90/ },
    faults: {
      "CloudWatch made none": {
        answers: { GetMetricStatistics: {} },
        says: /adds up to 0, but one execution alone curated 90/,
      },
    },
  },
  "run-metrics": {
    good: {
      answers: {
        ListMetrics: {
          Metrics: ["RowsCurated", "RunSeconds"].map((MetricName) => ({ MetricName })),
        },
      },
      says: /RowsCurated/,
    },
    faults: {
      "they were not recorded": {
        answers: { ListMetrics: { Metrics: [{ MetricName: "EventsAccepted" }] } },
        says: /CloudWatch has EventsAccepted/,
      },
    },
  },
  "mapping-metrics": {
    good: { answers: { ...mapping, ...sums(1) }, says: /uuid-1 is 1/ },
    faults: {
      "another dimension": { answers: { ...mapping, ...sums(0) }, says: /uuid-1 has no data/ },
      "no mapping": { answers: { ListEventSourceMappings: {} }, says: /no event source mapping/ },
    },
  },
  traces: {
    good: { answers: { GetTraceSummaries: { TraceSummaries: [{}] } }, says: /1 traces/ },
    faults: { "none arrives": { answers: { GetTraceSummaries: {} }, says: /no trace/ } },
  },
  "tag-index": {
    good: { answers: tagged("kinesis", "lambda", "s3", "sns", "states", "glue"), says: /6 resources/ },
    faults: {
      "the job has no tags": {
        answers: tagged("kinesis", "lambda", "s3", "sns", "states"),
        says: /nothing of glue/,
      },
    },
  },
  "job-time": {
    good: {
      answers: { GetJobRuns: { JobRuns: [{ JobRunState: "SUCCEEDED", ExecutionTime: 50 }] } },
      says: /took 50 s/,
    },
    faults: {
      "it takes minutes": {
        answers: { GetJobRuns: { JobRuns: [{ JobRunState: "SUCCEEDED", ExecutionTime: 300 }] } },
        says: /took 300 s; the cost model assumes/,
      },
      "none succeeded": {
        answers: { GetJobRuns: { JobRuns: [{ JobRunState: "FAILED", ExecutionTime: 50 }] } },
        says: /no run/,
      },
    },
  },
};

/** Tested elsewhere, where what they ask can be planted for real: on the emulator, or in a file of their own. */
const ELSEWHERE = ["collector", "deploy", "quotas", "leftovers", "npm-audit"];

async function look(id: string, { answers, fields }: Case): Promise<Verdict> {
  const row = ROWS.find((one) => one.id === id);
  assert(row && "check" in row, id);
  return row.check(world(answers, fields));
}

describe("cli/accept/checks", () => {
  for (const [id, { good, faults }] of Object.entries(CASES)) {
    it(`${id}: seen`, async () => {
      const { state, says } = await look(id, good);
      assert.equal(state, "seen", says);
      assert.match(says, good.says);
    });
    for (const [fault, planted] of Object.entries(faults)) {
      it(`${id}: not as expected where ${fault}`, async () => {
        const { state, says } = await look(id, planted);
        assert.equal(state, "not as expected", says);
        assert.match(says, planted.says);
      });
    }
  }

  it("has a fault for every row that a program checks", () => {
    const checked = ROWS.filter((row) => "check" in row && !row.id.startsWith("off: ")).map(({ id }) => id);
    const covered = [...Object.keys(CASES).filter((id) => id !== "off: scheduleEnabled"), ...ELSEWHERE];
    assert.deepEqual(checked.sort(), covered.sort());
  });

  it("reports the deployer's policy as not checkable if no role was given", async () => {
    const { state, says } = await look("deployer-policy", { says: /./ });
    assert.equal(state, "not checkable by a program");
    assert.match(says, /no --role/);
  });

  it("reports denials as not checkable if CloudTrail has more events than can be read", async () => {
    const page = { Events: [], NextToken: "more" };
    const { state, says } = await look("denials", { answers: { LookupEvents: page }, says: /./ });
    assert.equal(state, "not checkable by a program");
    assert.match(says, /more than 0 events/);
  });

  it("reports a low quota as a fault, and a quota that AWS does not return as not checkable", () => {
    const check = (state: "ok" | "bad" | "unknown") => ({ name: "Glue: DPUs at once", state, says: state });
    assert.deepEqual(judge([check("ok"), check("unknown"), check("bad")]), {
      state: "not as expected",
      says: "Glue: DPUs at once: bad",
    });
    assert.equal(judge([check("ok"), check("unknown")]).state, "not checkable by a program");
    assert.equal(judge([check("ok")]).state, "seen");
  });

  it("reads the output of npm audit, and reports missing output as not checkable", async () => {
    const audit = (stdout: string) => noKnownVulnerabilities(() => ({ stdout }))();
    const found = (total: number) => JSON.stringify({ metadata: { vulnerabilities: { total } } });
    assert.equal((await audit(found(0))).state, "seen");
    assert.deepEqual(await audit(found(3)), {
      state: "not as expected",
      says: "npm audit found 3 vulnerabilities",
    });
    assert.equal((await audit("npm error ENOTFOUND")).state, "not checkable by a program");
  });
});
