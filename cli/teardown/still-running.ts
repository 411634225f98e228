// Finds the running executions and job runs of a stack. They would write while its buckets are emptied.
import { GetJobRunsCommand, type GlueClient, type JobRunState } from "@aws-sdk/client-glue";
import { paginateListExecutions, type SFNClient } from "@aws-sdk/client-sfn";

export interface Running {
  what: string;
  /** The command that stops it. */
  stop: string;
}

const ACTIVE: readonly JobRunState[] = ["STARTING", "RUNNING", "STOPPING", "WAITING"];

export async function stillRunning(
  { sfn, glue }: { sfn: SFNClient; glue: GlueClient },
  { stateMachineArn, jobName }: { stateMachineArn: string; jobName: string },
): Promise<Running[]> {
  const found: Running[] = [];
  const query = { stateMachineArn, statusFilter: "RUNNING" as const };
  for await (const { executions = [] } of paginateListExecutions({ client: sfn }, query)) {
    for (const { name, executionArn } of executions) {
      found.push({
        what: `the execution ${name}`,
        stop: `aws stepfunctions stop-execution --execution-arn ${executionArn}`,
      });
    }
  }
  // The job allows one run at a time, and the newest come first: one page contains every running one.
  const { JobRuns = [] } = await glue.send(new GetJobRunsCommand({ JobName: jobName }));
  for (const { Id, JobRunState: state } of JobRuns) {
    if (!state || !ACTIVE.includes(state)) continue;
    found.push({
      what: `the job run ${Id} (${state})`,
      stop: `aws glue batch-stop-job-run --job-name ${jobName} --job-run-ids ${Id}`,
    });
  }
  return found;
}
