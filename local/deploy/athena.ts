// Athena workgroups and their saved queries.
import {
  CreateNamedQueryCommand,
  CreateWorkGroupCommand,
  DeleteNamedQueryCommand,
  DeleteWorkGroupCommand,
  type EncryptionOption,
} from "@aws-sdk/client-athena";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";
import { tagList } from "./tags";

/** The emulator runs Trino, so it has no other engine. */
const ENGINES = ["AUTO", "Athena engine version 3"];

const workgroup = handler<aws.athena.WorkgroupArgs>({
  honours: [
    ...["name", "description", "forceDestroy", "tags", "configuration.enforceWorkgroupConfiguration"],
    ...["configuration.bytesScannedCutoffPerQuery", "configuration.resultConfiguration.outputLocation"],
    "configuration.engineVersion.selectedEngineVersion",
  ],
  ineffective: {
    "configuration.publishCloudwatchMetricsEnabled": "the local stack has no metrics",
    "configuration.resultConfiguration.encryptionConfiguration":
      "results are stored unencrypted in the run's folder",
  },
  naming: { maximumLength: 128 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const Name = physicalName(inputs.name);
    const configuration = inputs.configuration;
    const results = configuration?.resultConfiguration;
    const encryption = results?.encryptionConfiguration;
    const engine = configuration?.engineVersion?.selectedEngineVersion;
    if (engine !== undefined && !ENGINES.includes(String(engine))) {
      throw new Error(`selectedEngineVersion must be ${ENGINES.join(" or ")}, got ${String(engine)}`);
    }
    await clients.athena.send(
      new CreateWorkGroupCommand({
        Name,
        Description: inputs.description,
        Tags: tagList(inputs.tags),
        Configuration: configuration && {
          EnforceWorkGroupConfiguration: configuration.enforceWorkgroupConfiguration ?? true,
          PublishCloudWatchMetricsEnabled: configuration.publishCloudwatchMetricsEnabled ?? true,
          BytesScannedCutoffPerQuery: configuration.bytesScannedCutoffPerQuery,
          EngineVersion: configuration.engineVersion && {
            SelectedEngineVersion: configuration.engineVersion.selectedEngineVersion,
          },
          ResultConfiguration: results && {
            OutputLocation: results.outputLocation,
            EncryptionConfiguration: encryption && {
              EncryptionOption: encryption.encryptionOption as EncryptionOption,
              KmsKey: encryption.kmsKeyArn,
            },
          },
        },
      }),
    );
    return {
      id: Name,
      outputs: { name: Name, arn: `arn:aws:athena:${region}:${accountId}:workgroup/${Name}` },
    };
  },
  async remove({ id, inputs }, { clients }) {
    const RecursiveDeleteOption = inputs.forceDestroy === true;
    await clients.athena.send(new DeleteWorkGroupCommand({ WorkGroup: id, RecursiveDeleteOption }));
  },
});

const namedQuery = handler<aws.athena.NamedQueryArgs>({
  honours: ["name", "description", "query", "database", "workgroup"],
  naming: { maximumLength: 128 },
  async create(inputs, { clients, physicalName }) {
    const { NamedQueryId } = await clients.athena.send(
      new CreateNamedQueryCommand({
        Name: physicalName(inputs.name),
        Description: inputs.description,
        Database: inputs.database,
        QueryString: inputs.query,
        WorkGroup: inputs.workgroup,
      }),
    );
    return { id: NamedQueryId ?? "", outputs: {} };
  },
  async remove({ id }, { clients }) {
    await clients.athena.send(new DeleteNamedQueryCommand({ NamedQueryId: id }));
  },
});

export const athenaHandlers = {
  "aws:athena/namedQuery:NamedQuery": namedQuery,
  "aws:athena/workgroup:Workgroup": workgroup,
};
