// Catalog: the Glue database with its two tables, and the Athena workgroup that people and the state machine query with.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import {
  type Column,
  PARTITION_KEYS,
  QUARANTINE_COLUMNS,
  QUARANTINE_PARTITION_KEYS,
  TABLE_COLUMNS,
} from "../../schema/contract";
import { PREFIX } from "../../schema/prefixes";
import { type BucketSettings, PrivateBucket } from "../blocks/private-bucket";
import { projectedDays } from "./quarantine-days";
import { savedQueries } from "./saved-queries";
import { viewSql, viewTable } from "./view";

export interface CatalogArgs extends BucketSettings {
  databaseName: string;
  /** What people query. */
  eventsTable: string;
  /** What the job writes: the same, unless there is an `arrivedTable`. Then `eventsTable` is a view over both. */
  jobTable: string;
  /** The events that to-parquet wrote on their arrival. */
  arrivedTable?: string;
  quarantineTable: string;
  raw: PrivateBucket;
  curated: PrivateBucket;
  resultsRetentionDays: number;
  /** Athena stops a query that reads more; 0 for no limit. */
  athenaScanLimitGb: number;
}

export class Catalog extends pulumi.ComponentResource {
  readonly results: PrivateBucket;
  readonly workgroup: { name: pulumi.Output<string>; arn: pulumi.Output<string> };
  readonly database: pulumi.Output<string>;

  constructor(name: string, args: CatalogArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Catalog", name, {}, opts);
    const database = new aws.glue.CatalogDatabase(
      `${name}-database`,
      {
        name: args.databaseName,
        description: `Click events of the stack ${pulumi.getStack()}`,
        // IAM decides on the tables, as it does with Lake Formation's initial settings. Set explicitly for accounts in
        // which the default permissions are off.
        createTableDefaultPermissions: [
          { principal: { dataLakePrincipalIdentifier: "IAM_ALLOWED_PRINCIPALS" }, permissions: ["ALL"] },
        ],
      },
      { parent: this },
    );
    this.database = database.name;
    const job = this.createEvents(name, args.jobTable, PREFIX.events, args, "Valid click events, each once");
    if (args.arrivedTable !== undefined) this.createView(name, args.arrivedTable, job, args);
    this.createQuarantine(name, args);
    this.results = new PrivateBucket(
      `${name}-results`,
      { ...args, retention: [{ id: "results", prefix: "", expireAfterDays: args.resultsRetentionDays }] },
      { parent: this },
    );
    this.workgroup = this.createWorkgroup(name, args);
    this.saveQueries(name);
    this.registerOutputs({ database: this.database, workgroup: this.workgroup.name });
  }

  /** A table with the columns of `events`. The one that the job writes keeps its URN, whatever it is called. */
  private createEvents(
    name: string,
    table: string,
    prefix: string,
    args: CatalogArgs,
    what: string,
  ): aws.glue.CatalogTable {
    return new aws.glue.CatalogTable(
      `${name}-${table === args.jobTable ? "events" : table}`,
      {
        name: table,
        databaseName: this.database,
        description: `${what}, partitioned by their UTC day`,
        tableType: "EXTERNAL_TABLE",
        parameters: { EXTERNAL: "TRUE", classification: "parquet" },
        partitionKeys: PARTITION_KEYS.map(glueColumn),
        storageDescriptor: {
          location: pulumi.interpolate`s3://${args.curated.bucketName}/${prefix}`,
          inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
          outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
          serDeInfo: {
            serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
            parameters: { "serialization.format": "1" },
          },
          columns: TABLE_COLUMNS.map(glueColumn),
        },
      },
      { parent: this },
    );
  }

  /** The events on their arrival, and the view that shows each event once, wherever it is. */
  private createView(name: string, arrived: string, job: aws.glue.CatalogTable, args: CatalogArgs): void {
    const { databaseName, eventsTable, jobTable } = args;
    const what =
      "Click events as they arrived, until the job has taken them, copies in different objects included";
    const table = this.createEvents(name, arrived, PREFIX.arrived, args, what);
    const columns = [...TABLE_COLUMNS, ...PARTITION_KEYS];
    new aws.glue.CatalogTable(
      `${name}-events-view`,
      {
        name: eventsTable,
        databaseName: this.database,
        ...viewTable(viewSql("events", columns, { curated: jobTable, arrived }), columns, databaseName),
      },
      { parent: this, dependsOn: [job, table] },
    );
  }

  private createQuarantine(name: string, args: CatalogArgs): void {
    const location = pulumi.interpolate`s3://${args.raw.bucketName}/${PREFIX.quarantine}`;
    new aws.glue.CatalogTable(
      `${name}-quarantine`,
      {
        name: args.quarantineTable,
        databaseName: this.database,
        description: "Lines that were not accepted, complete, with the reason",
        tableType: "EXTERNAL_TABLE",
        parameters: {
          EXTERNAL: "TRUE",
          classification: "json",
          compressionType: "gzip",
          ...projectedDays(location),
        },
        partitionKeys: QUARANTINE_PARTITION_KEYS.map(glueColumn),
        storageDescriptor: {
          location,
          inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
          outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
          serDeInfo: {
            serializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
            parameters: { "serialization.format": "1" },
          },
          columns: QUARANTINE_COLUMNS.map(glueColumn),
        },
      },
      { parent: this },
    );
  }

  /** For people: the console's query editor lists them. They cost nothing until they run. */
  private saveQueries(name: string): void {
    for (const query of savedQueries()) {
      new aws.athena.NamedQuery(
        `${name}-${query.name}`,
        {
          name: query.name,
          description: query.description,
          query: query.sql,
          database: this.database,
          workgroup: this.workgroup.name,
        },
        { parent: this },
      );
    }
  }

  private createWorkgroup(
    name: string,
    { key, athenaScanLimitGb }: CatalogArgs,
  ): { name: pulumi.Output<string>; arn: pulumi.Output<string> } {
    const workgroup = new aws.athena.Workgroup(
      `${name}-workgroup`,
      {
        description: `Queries on the click events of the stack ${pulumi.getStack()}`,
        // A workgroup with a query history counts as not empty. Only that history is lost.
        forceDestroy: true,
        configuration: {
          enforceWorkgroupConfiguration: true,
          ...(athenaScanLimitGb > 0 && {
            bytesScannedCutoffPerQuery: athenaScanLimitGb * BYTES_A_GB,
          }),
          publishCloudwatchMetricsEnabled: true,
          engineVersion: { selectedEngineVersion: "Athena engine version 3" },
          resultConfiguration: {
            outputLocation: pulumi.interpolate`s3://${this.results.bucketName}/${PREFIX.queries}`,
            encryptionConfiguration: key
              ? { encryptionOption: "SSE_KMS", kmsKeyArn: key.arn }
              : { encryptionOption: "SSE_S3" },
          },
        },
      },
      { parent: this },
    );
    return { name: workgroup.name, arn: workgroup.arn };
  }
}

const BYTES_A_GB = 1024 ** 3;

function glueColumn({ name, type, description }: Column) {
  return { name, type, comment: description };
}
