// Breaks a part of the stack on purpose and repairs it. Both can be repeated, as a run may end between the two.
import { GetJobCommand, type Job, type JobUpdate, UpdateJobCommand } from "@aws-sdk/client-glue";
import { GetFunctionConfigurationCommand, UpdateFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { until, type World } from "./world";

/** Makes the ingest write to a bucket that does not exist while `work` runs. */
export async function withBrokenIngest<T>(world: World, work: () => Promise<T>): Promise<T> {
  const { rawBucket } = world.outputs;
  await pointIngestAt(world, `${rawBucket}-missing`);
  try {
    return await work();
  } finally {
    await pointIngestAt({ ...world, signal: new AbortController().signal }, rawBucket);
  }
}

/** Repairs what an interrupted run left broken. */
export async function repairIngest(world: World): Promise<void> {
  await pointIngestAt(world, world.outputs.rawBucket);
}

async function pointIngestAt(world: World, bucket: string): Promise<void> {
  const FunctionName = world.outputs.ingestFunction;
  const { lambda } = world.clients;
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  if (Environment?.Variables?.RAW_BUCKET === bucket) return;
  const Variables = { ...Environment?.Variables, RAW_BUCKET: bucket };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  const ready = await until(world, "the ingest's new configuration", 120, async () => {
    const now = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    return now.LastUpdateStatus === "InProgress" ? undefined : now;
  });
  if (ready?.LastUpdateStatus === "Failed") throw new Error(`${ready.LastUpdateStatusReason}`);
}

const PRIVACY = "--privacy";
/** A rule that the script does not know. It raises an error that names the rule. */
export const BROKEN_RULE = "shred";

/** Makes the Glue job fail while `work` runs. */
export async function withBrokenJob<T>(world: World, work: () => Promise<T>): Promise<T> {
  const { glue } = world.clients;
  const JobName = world.outputs.jobName;
  const { Job } = await glue.send(new GetJobCommand({ JobName }));
  if (!Job) throw new Error(`Glue has no job ${JobName}`);
  const sound = { ...Job, DefaultArguments: { ...Job.DefaultArguments, ...soundPrivacy(Job) } };
  const broken = {
    ...Job,
    DefaultArguments: {
      ...Job.DefaultArguments,
      [PRIVACY]: JSON.stringify({ ip: BROKEN_RULE, was: sound.DefaultArguments[PRIVACY] }),
    },
  };
  await glue.send(new UpdateJobCommand({ JobName, JobUpdate: updateOf(broken) }));
  try {
    return await work();
  } finally {
    await glue.send(new UpdateJobCommand({ JobName, JobUpdate: updateOf(sound) }));
  }
}

/** Repairs what an interrupted run left broken. */
export async function repairJob(world: World): Promise<void> {
  const JobName = world.outputs.jobName;
  const { Job } = await world.clients.glue.send(new GetJobCommand({ JobName }));
  if (!Job || Object.keys(soundPrivacy(Job)).length === 0) return;
  const DefaultArguments = { ...Job.DefaultArguments, ...soundPrivacy(Job) };
  await world.clients.glue.send(
    new UpdateJobCommand({ JobName, JobUpdate: updateOf({ ...Job, DefaultArguments }) }),
  );
}

/** The original rules, which the broken ones contain. */
function soundPrivacy({ DefaultArguments }: Job): Record<string, string> {
  const { was } = JSON.parse(DefaultArguments?.[PRIVACY] ?? "{}") as { was?: string };
  return was === undefined ? {} : { [PRIVACY]: was };
}

/** UpdateJob replaces the whole definition and rejects the fields that only GetJob returns. */
function updateOf(job: Job): JobUpdate {
  const { Name, CreatedOn, LastModifiedOn, AllocatedCapacity, MaxCapacity, ProfileName, ...update } = job;
  return update;
}
