// The Glue catalog and jobs.
import {
  type Column,
  CreateCrawlerCommand,
  CreateDatabaseCommand,
  CreateJobCommand,
  CreateTableCommand,
  type DeleteBehavior,
  DeleteCrawlerCommand,
  DeleteDatabaseCommand,
  DeleteJobCommand,
  DeleteTableCommand,
  type ExecutionClass,
  type RecrawlBehavior,
  TagResourceCommand,
  type UpdateBehavior,
  type WorkerType,
} from "@aws-sdk/client-glue";
import type * as aws from "@pulumi/aws";
import { handler } from "./resource";

const MINUTES_BY_DEFAULT = 480; // Glue 5's default
const OWN_MACHINE = "the job runs on this machine, with its CPU and memory";

const database = handler<aws.glue.CatalogDatabaseArgs>({
  honours: ["name", "description", "tags"],
  ineffective: { createTableDefaultPermissions: "the local stack has no Lake Formation" },
  naming: { maximumLength: 255, lowerCase: true },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const Name = physicalName(inputs.name);
    await clients.glue.send(
      new CreateDatabaseCommand({
        DatabaseInput: { Name, Description: inputs.description },
        Tags: inputs.tags,
      }),
    );
    const arn = `arn:aws:glue:${region}:${accountId}:database/${Name}`;
    return { id: `${accountId}:${Name}`, outputs: { name: Name, arn, catalogId: accountId } };
  },
  async remove({ outputs }, { clients }) {
    await clients.glue.send(new DeleteDatabaseCommand({ Name: String(outputs.name) }));
  },
});

const table = handler<aws.glue.CatalogTableArgs>({
  honours: [
    ...["name", "databaseName", "description", "tableType", "parameters", "partitionKeys"],
    ...["storageDescriptor.location", "storageDescriptor.inputFormat", "storageDescriptor.outputFormat"],
    ...["storageDescriptor.columns", "storageDescriptor.serDeInfo"],
    ...["viewOriginalText", "viewExpandedText"],
  ],
  naming: { maximumLength: 255, lowerCase: true },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const Name = physicalName(inputs.name);
    const storage = inputs.storageDescriptor;
    const serDe = storage?.serDeInfo;
    await clients.glue.send(
      new CreateTableCommand({
        DatabaseName: inputs.databaseName,
        TableInput: {
          Name,
          Description: inputs.description,
          TableType: inputs.tableType,
          Parameters: inputs.parameters,
          PartitionKeys: columns(inputs.partitionKeys),
          ViewOriginalText: inputs.viewOriginalText,
          ViewExpandedText: inputs.viewExpandedText,
          StorageDescriptor: storage && {
            Location: storage.location,
            InputFormat: storage.inputFormat,
            OutputFormat: storage.outputFormat,
            Columns: columns(storage.columns),
            SerdeInfo: serDe && {
              Name: serDe.name,
              SerializationLibrary: serDe.serializationLibrary,
              Parameters: serDe.parameters,
            },
          },
        },
      }),
    );
    const arn = `arn:aws:glue:${region}:${accountId}:table/${inputs.databaseName}/${Name}`;
    return {
      id: `${accountId}:${inputs.databaseName}:${Name}`,
      outputs: { name: Name, arn, catalogId: accountId },
    };
  },
  async remove({ outputs, inputs }, { clients }) {
    const Name = String(outputs.name);
    await clients.glue.send(new DeleteTableCommand({ DatabaseName: inputs.databaseName, Name }));
  },
});

const job = handler<aws.glue.JobArgs>({
  honours: [
    ...["name", "description", "command", "defaultArguments", "nonOverridableArguments"],
    ...["executionProperty", "timeout", "maxRetries", "roleArn", "tags"],
  ],
  ineffective: {
    glueVersion: "the local stack always uses the Spark and Python of the project's lock file",
    workerType: OWN_MACHINE,
    numberOfWorkers: OWN_MACHINE,
    executionClass: OWN_MACHINE,
  },
  naming: { maximumLength: 255 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const Name = physicalName(inputs.name);
    const { command } = inputs;
    await clients.glue.send(
      new CreateJobCommand({
        Name,
        Description: inputs.description,
        Role: inputs.roleArn,
        GlueVersion: inputs.glueVersion,
        Command: {
          Name: command.name ?? "glueetl",
          ScriptLocation: command.scriptLocation,
          PythonVersion: command.pythonVersion,
        },
        DefaultArguments: inputs.defaultArguments,
        NonOverridableArguments: inputs.nonOverridableArguments,
        ExecutionProperty: { MaxConcurrentRuns: inputs.executionProperty?.maxConcurrentRuns ?? 1 },
        MaxRetries: inputs.maxRetries ?? 0,
        Timeout: inputs.timeout ?? MINUTES_BY_DEFAULT,
        WorkerType: inputs.workerType as WorkerType,
        NumberOfWorkers: inputs.numberOfWorkers,
        ExecutionClass: inputs.executionClass as ExecutionClass | undefined,
      }),
    );
    const arn = `arn:aws:glue:${region}:${accountId}:job/${Name}`;
    // The emulator's GetTags does not see the tags given to CreateJob.
    await clients.glue.send(new TagResourceCommand({ ResourceArn: arn, TagsToAdd: inputs.tags }));
    return { id: Name, outputs: { name: Name, arn } };
  },
  async remove({ id }, { clients }) {
    await clients.glue.send(new DeleteJobCommand({ JobName: id }));
  },
});

const crawler = handler<aws.glue.CrawlerArgs>({
  honours: [
    ...["name", "description", "databaseName", "role", "tablePrefix", "configuration", "tags"],
    ...["catalogTargets.databaseName", "catalogTargets.tables", "recrawlPolicy", "schemaChangePolicy"],
    ...["s3Targets.path", "s3Targets.exclusions", "s3Targets.sampleSize"],
  ],
  naming: { maximumLength: 255 },
  async create(inputs, { clients, region, accountId, physicalName }) {
    const Name = physicalName(inputs.name);
    const { schemaChangePolicy: policy, recrawlPolicy: recrawl } = inputs;
    await clients.glue.send(
      new CreateCrawlerCommand({
        Name,
        Description: inputs.description,
        DatabaseName: inputs.databaseName,
        Role: inputs.role,
        TablePrefix: inputs.tablePrefix,
        Configuration: inputs.configuration,
        Targets: {
          S3Targets: inputs.s3Targets?.map(({ path, exclusions, sampleSize }) => ({
            Path: path,
            Exclusions: exclusions,
            SampleSize: sampleSize,
          })),
          CatalogTargets: inputs.catalogTargets?.map(({ databaseName, tables }) => ({
            DatabaseName: databaseName,
            Tables: tables,
          })),
        },
        SchemaChangePolicy: policy && {
          UpdateBehavior: policy.updateBehavior as UpdateBehavior | undefined,
          DeleteBehavior: policy.deleteBehavior as DeleteBehavior | undefined,
        },
        RecrawlPolicy: recrawl && { RecrawlBehavior: recrawl.recrawlBehavior as RecrawlBehavior | undefined },
        Tags: inputs.tags,
      }),
    );
    const arn = `arn:aws:glue:${region}:${accountId}:crawler/${Name}`;
    return { id: Name, outputs: { name: Name, arn } };
  },
  async remove({ id }, { clients }) {
    await clients.glue.send(new DeleteCrawlerCommand({ Name: id }));
  },
});

interface ColumnInput {
  name: string;
  type?: string;
  comment?: string;
}

function columns(inputs: readonly ColumnInput[] | undefined): Column[] | undefined {
  return inputs?.map(({ name, type, comment }) => ({ Name: name, Type: type, Comment: comment }));
}

export const glueHandlers = {
  "aws:glue/catalogDatabase:CatalogDatabase": database,
  "aws:glue/catalogTable:CatalogTable": table,
  "aws:glue/crawler:Crawler": crawler,
  "aws:glue/job:Job": job,
};
