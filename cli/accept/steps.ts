// The steps of a run, in order: each with its duration on AWS, the steps that it needs, and the facts that it returns.

import { gzipSync } from "node:zlib";
import { GetPartitionCommand } from "@aws-sdk/client-glue";
import { paginateListRoles } from "@aws-sdk/client-iam";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { paginateListExecutions } from "@aws-sdk/client-sfn";
import { PREFIX } from "../../schema/prefixes";
import { runQuery } from "../../stack/athena";
import { repairIngest, repairJob, withBrokenIngest, withBrokenJob } from "./breakage";
import { countEvents, execute, goodEvent, poisonedLines, put, settled } from "./executions";
import { settings } from "./run-settings";
import { SCHEDULE_OFF, SCHEDULE_ON, SWITCHES } from "./switches";
import { type DayFact, type Facts, qualified, until, type World } from "./world";

export interface Step {
  id: string;
  /** What a person reads while it runs. */
  title: string;
  /** Estimated, on AWS. */
  minutes: number;
  /** Billed runs of the Glue job. */
  jobRuns: number;
  needs: readonly string[];
  /** Why the local stack cannot do it. */
  notLocal?: string;
  run(world: World): Promise<Partial<Facts>>;
}

/** The simulated traffic. It covers every path of the pipeline. */
export const SIMULATED = { events: 2000, seed: 7, duplicates: 0.01, malformed: 0.005, late: 0.02, pii: 0.05 };
const GOOD_EVENTS = 6;
const NO_ENGINE = "the local stack has no engine that changes a resource in place";

export const STEPS: readonly Step[] = [
  {
    id: "deploy",
    title: "pulumi up: the stack with every optional part on",
    minutes: 5,
    jobRuns: 0,
    needs: [],
    run: async (world) => {
      const outputs = await world.deployer.up(settings());
      return { outputs };
    },
  },
  {
    id: "second-up",
    title: "pulumi up again: must change nothing",
    minutes: 1,
    jobRuns: 0,
    needs: ["deploy"],
    notLocal: "the local stack has no engine that compares states",
    run: async (world) => ({ secondUp: { changes: await world.deployer.upAgain() } }),
  },
  {
    id: "simulate",
    title: `an execution with ${SIMULATED.events} simulated events`,
    minutes: 4,
    jobRuns: 1,
    needs: ["deploy"],
    run: simulate,
  },
  {
    id: "give-up",
    title: "a batch that the ingest cannot write, until Lambda gives it up",
    minutes: 3,
    jobRuns: 0,
    needs: ["deploy"],
    run: giveUp,
  },
  {
    id: "refuse",
    title: "an execution with an unknown key in its input",
    minutes: 0.2,
    jobRuns: 0,
    needs: ["deploy"],
    run: async (world) => ({ refuse: await execute(world, { simulat: { events: 5 } }) }),
  },
  {
    id: "raise",
    title: "an execution whose Glue job fails",
    minutes: 3,
    jobRuns: 1,
    needs: ["deploy"],
    run: raise,
  },
  {
    id: "poison",
    title: "an execution with lines that the ingest rejects",
    minutes: 3,
    jobRuns: 1,
    needs: ["deploy"],
    run: poison,
  },
  {
    id: "quiet",
    title: "an execution that finds nothing new",
    minutes: 0.2,
    jobRuns: 0,
    needs: ["poison"],
    run: async (world) => ({ quiet: await execute(world, {}) }),
  },
  {
    id: "reprocess",
    title: "a reprocess of a day",
    minutes: 3,
    jobRuns: 1,
    needs: ["simulate"],
    run: reprocess,
  },
  {
    id: "schedule",
    title: "the schedule, every minute until it has started an execution",
    minutes: 6,
    jobRuns: 2,
    needs: ["deploy"],
    notLocal: "the local stack stores schedules but does not run them",
    run: schedule,
  },
  ...SWITCHES.map(
    ({ id, off, isOn }): Step => ({
      id: `off: ${id}`,
      title: `pulumi up: ${id} off`,
      minutes: 1,
      jobRuns: 0,
      needs: ["deploy"],
      notLocal: NO_ENGINE,
      run: async (world) => {
        // An interrupted try may already have turned it off. Then its list is kept.
        const before = world.facts.switches?.[id]?.length ? world.facts.switches[id] : await isOn(world);
        const switches = { ...world.facts.switches, [id]: before };
        world.keep({ switches });
        await world.deployer.up(off);
        return { switches };
      },
    }),
  ),
  {
    id: "destroy",
    title: "pulumi destroy, and removal of the stack",
    minutes: 4,
    jobRuns: 0,
    needs: [],
    run: async (world) => {
      await world.deployer.destroy();
      return { destroyed: true };
    },
  },
];

export const DESTROY = "destroy";

async function rolesOf(world: World): Promise<string[]> {
  const roles: string[] = [];
  const PathPrefix = `/${qualified(world)}/`;
  for await (const { Roles = [] } of paginateListRoles({ client: world.clients.iam }, { PathPrefix })) {
    roles.push(...Roles.map(({ Arn = "" }) => Arn));
  }
  return roles;
}

async function simulate(world: World): Promise<Partial<Facts>> {
  const roles = await rolesOf(world);
  await settled(world);
  const rowsBefore = await countEvents(world);
  return { roles, simulate: { ...(await execute(world, { simulate: SIMULATED })), rowsBefore } };
}

async function poison(world: World): Promise<Partial<Facts>> {
  // A new marker for each try: the lines of an interrupted try are in the lake as well.
  const marker = `${world.facts.marker}-${Date.now().toString(36)}`;
  const good = Array.from({ length: GOOD_EVENTS }, (_, index) => `${marker}-good-${index}`);
  const bad = poisonedLines(marker);
  // Good and bad lines share records: a bad line must not affect its neighbours.
  const records = bad.map((line, index) => {
    const id = good.slice(0, -1)[index];
    return id === undefined ? line : `${goodEvent(id)}\n${line}`;
  });
  // The last one is compressed, as some agents send their records.
  const zipped = gzipSync(`${goodEvent(good[GOOD_EVENTS - 1] as string)}\n`);
  const sent = await put(world, [...records, zipped]);
  return { poison: { ...(await execute(world, sent)), marker, good, bad } };
}

async function giveUp(world: World): Promise<Partial<Facts>> {
  const id = `${world.facts.marker}-given-up`;
  await repairIngest(world);
  const key = await withBrokenIngest(world, async () => {
    await put(world, [goodEvent(id)]);
    return until(world, `a batch under ${PREFIX.givenUp}`, 420, () => failedBatch(world, id));
  });
  return { givenUp: { id, key, holdsRecord: key !== undefined } };
}

/** The key of the failed batch that contains the event. Lambda stores the records with base64 data. */
async function failedBatch({ clients, outputs }: World, id: string): Promise<string | undefined> {
  const Bucket = outputs.rawBucket;
  const { Contents = [] } = await clients.s3.send(
    new ListObjectsV2Command({ Bucket, Prefix: PREFIX.givenUp }),
  );
  for (const { Key } of Contents) {
    const { Body } = await clients.s3.send(new GetObjectCommand({ Bucket, Key }));
    if (recordsIn((await Body?.transformToString()) ?? "").some((data) => data.includes(id))) return Key;
  }
  return undefined;
}

function recordsIn(document: string): string[] {
  const { payload } = JSON.parse(document) as { payload?: unknown };
  const event = (typeof payload === "string" ? JSON.parse(payload) : payload) as
    | { Records?: { kinesis: { data: string } }[] }
    | undefined;
  return (event?.Records ?? []).map(({ kinesis }) => Buffer.from(kinesis.data, "base64").toString("utf8"));
}

async function raise(world: World): Promise<Partial<Facts>> {
  await repairJob(world);
  const sent = await put(world, [goodEvent(`${world.facts.marker}-raised`)]);
  const raised = await withBrokenJob(world, () => execute(world, sent));
  return { raise: raised };
}

async function reprocess(world: World): Promise<Partial<Facts>> {
  const day = world.facts.simulate?.report?.partitions.at(-1);
  if (day === undefined) throw new Error("the simulated execution wrote no day that could be reprocessed");
  await settled(world);
  const before = await dayOf(world, day);
  const execution = await execute(world, { reprocess: { from: day, to: day } });
  return { reprocess: { ...execution, day, before, after: await dayOf(world, day) } };
}

async function dayOf({ clients, outputs }: World, day: string): Promise<DayFact> {
  const { athena, glue } = clients;
  const { database, workgroup, eventsTable } = outputs;
  const { rows } = await runQuery(
    { athena, database, workgroup },
    `SELECT count(*), count(DISTINCT event_id) FROM ${eventsTable} WHERE event_date = DATE '${day}'`,
  );
  const { Partition } = await glue.send(
    new GetPartitionCommand({ DatabaseName: database, TableName: eventsTable, PartitionValues: [day] }),
  );
  const [[count, ids] = []] = rows;
  return { rows: Number(count), ids: Number(ids), location: Partition?.StorageDescriptor?.Location ?? "" };
}

async function schedule(world: World): Promise<Partial<Facts>> {
  const since = new Date();
  await world.deployer.up(SCHEDULE_ON);
  const execution = await until(world, "the schedule's first execution", 240, () =>
    executionSince(world, since),
  );
  await world.deployer.up(SCHEDULE_OFF);
  const status = await until(world, "the schedule's executions to end", 900, async () => {
    const running = await executionSince(world, since, "RUNNING");
    if (running !== undefined) return undefined;
    for (const ending of ["FAILED", "TIMED_OUT", "ABORTED"] as const) {
      if (await executionSince(world, since, ending)) return ending;
    }
    return "SUCCEEDED";
  });
  return { schedule: { execution, status: execution && status } };
}

async function executionSince(
  { clients, outputs }: World,
  since: Date,
  statusFilter?: "RUNNING" | "FAILED" | "TIMED_OUT" | "ABORTED",
): Promise<string | undefined> {
  const { stateMachineArn } = outputs;
  for await (const { executions = [] } of paginateListExecutions(
    { client: clients.sfn, pageSize: 100 },
    { stateMachineArn, statusFilter },
  )) {
    // Newest first. This run starts no execution meanwhile.
    const [newest] = executions;
    return newest?.startDate && newest.startDate >= since ? newest.name : undefined;
  }
  return undefined;
}
