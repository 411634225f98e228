// Crawler: a Glue crawler over the events' table. It adds days that are not registered and columns that are not declared.

import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { PREFIX } from "../../schema/prefixes";
import { arnOf, tableArns } from "../blocks/account";
import { type CustomerKey, mayUse } from "../blocks/encryption";
import { allow, type Statement } from "../blocks/permissions";
import type { PrivateBucket } from "../blocks/private-bucket";
import { ServiceRole } from "../blocks/service-role";

export interface CrawlerArgs {
  databaseName: string;
  /** The table whose location is crawled. */
  tableName: string;
  /** After which the crawler is made: its target must exist. */
  catalog: pulumi.Resource;
  curated: PrivateBucket;
  key?: CustomerKey;
}

/** All crawlers of an account write to this group, which Glue makes. */
const LOG_GROUP = "/aws-glue/crawlers";

/**
 * The table as its target: no other table is made. MergeNewColumns: AWS documents that columns which exist stay as they
 * are. InheritFromTable: a new partition is read as the table declares.
 */
const CONFIGURATION = {
  Version: 1.0,
  CrawlerOutput: {
    Tables: { AddOrUpdateBehavior: "MergeNewColumns" },
    Partitions: { AddOrUpdateBehavior: "InheritFromTable" },
  },
  Grouping: { TableGroupingPolicy: "CombineCompatibleSchemas" },
};

export class Crawler extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: CrawlerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("clickstream:index:Crawler", name, {}, opts);
    const role = new ServiceRole(
      `${name}-crawler-role`,
      {
        service: "glue.amazonaws.com",
        description: "The crawler: reads the curated events, adds partitions and columns to their table",
        permissions: permissions(args),
      },
      { parent: this },
    );
    const crawler = new aws.glue.Crawler(
      `${name}-crawler`,
      {
        description: "Adds days and columns of the curated events to their table",
        databaseName: args.databaseName,
        role: role.arn,
        catalogTargets: [{ databaseName: args.databaseName, tables: [args.tableName] }],
        // A table as target can have no other deleteBehavior.
        schemaChangePolicy: { updateBehavior: "UPDATE_IN_DATABASE", deleteBehavior: "LOG" },
        recrawlPolicy: { recrawlBehavior: "CRAWL_EVERYTHING" },
        configuration: JSON.stringify(CONFIGURATION),
      },
      { parent: this, dependsOn: [role, args.catalog] },
    );
    this.name = crawler.name;
    this.arn = crawler.arn;
    this.registerOutputs({ name: this.name });
  }
}

/**
 * It may add partitions, but not update or delete one: a rebuilt day is registered at another location than the folder
 * that a crawl finds, and AWS does not document what a crawler does then.
 */
function permissions(args: CrawlerArgs): Statement[] {
  const group = arnOf("logs", `log-group:${LOG_GROUP}`);
  return [
    allow("s3:ListBucket", "s3:GetBucketLocation").on(args.curated.arn),
    allow("s3:GetObject").on(args.curated.objects(PREFIX.events)),
    allow(
      "glue:GetDatabase",
      "glue:GetTable",
      "glue:UpdateTable",
      "glue:GetPartition",
      "glue:GetPartitions",
      "glue:BatchGetPartition",
      "glue:CreatePartition",
      "glue:BatchCreatePartition",
    ).on(...tableArns(args.databaseName, args.tableName)),
    allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents").on(
      group,
      pulumi.interpolate`${group}:*`,
    ),
    ...mayUse(args.key, "kms:Decrypt"),
  ];
}
