// Configures AWS SDK clients. For the local stack they always get its endpoint and fake credentials, so that the
// credentials in the developer's shell are never used by mistake.
import { NodeHttpHandler } from "@smithy/node-http-handler";

export const LOCAL_REGION = "us-east-1";
export const LOCAL_ACCOUNT = "000000000000";
const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" } as const;

/** The configuration of an AWS SDK client. */
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
    // HTTP/1.1 for Kinesis as well: the emulator's HTTP/2 loses the answers to large batches.
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 120_000 }),
  };
}

/** Environment variables that point the AWS CLI or any SDK to the local stack. */
export function localEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: LOCAL_REGION,
  };
}

/** Removes variables that could reach a real account, or change how Python and Spark run. */
export function isolated(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign = /^(AWS_|PULUMI_|PYTHON|PYSPARK|SPARK_|HADOOP_|npm_)/;
  const kept = Object.entries(env).filter(([name]) => !foreign.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    // The SDK warns at each start that later versions need a newer Node. The lock file pins a version that does not.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
}

/** Isolates this process. */
export function isolateProcess(): void {
  const kept = isolated(process.env);
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
}
