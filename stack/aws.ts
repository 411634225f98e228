// How AWS SDK clients are made: for the local stack always with its endpoint and made-up credentials, so that whatever
// the developer's shell holds for AWS can never be used by mistake.
import { NodeHttpHandler } from "@smithy/node-http-handler";

export const LOCAL_REGION = "us-east-1";
export const LOCAL_ACCOUNT = "000000000000";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" } as const;

/** What every AWS SDK client takes as its configuration. */
export interface ClientConfig {
  region: string;
  endpoint: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  forcePathStyle: boolean;
  requestHandler: NodeHttpHandler;
}

export function localClientConfig(endpoint: string): ClientConfig {
  return {
    region: LOCAL_REGION,
    endpoint,
    credentials: { ...CREDENTIALS },
    forcePathStyle: true,
    // HTTP/1.1 also for Kinesis: the emulator's HTTP/2 loses the answers of large batches.
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 120_000 }),
  };
}

/** The environment with which the AWS CLI, or any SDK, talks to the local stack. */
export function localEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: LOCAL_REGION,
  };
}

/** Takes out of an environment all that could reach a real account, or bend Python and Spark. */
export function isolated(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(AWS_|PULUMI_|PYTHON|PYSPARK|SPARK_|HADOOP_|npm_)/;
  const kept = Object.entries(env).filter(([name]) => !foreign.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    // The SDK announces at each start when it will ask for a newer Node; the lock file pins one that does not.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
}

/** Isolates this process. */
export function isolateProcess(): void {
  const kept = isolated(process.env);
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
}
