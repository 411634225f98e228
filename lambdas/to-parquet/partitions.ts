// Registers the dates of new files as partitions in the Glue Data Catalog.

import {
  BatchCreatePartitionCommand,
  GetTableCommand,
  type GlueClient,
  type StorageDescriptor,
} from "@aws-sdk/client-glue";
import { MINUTE_MS } from "../shared/durations";
import type { Clock } from "../shared/runtime";

/** Most partitions in a call. */
const CALL_SIZE = 100;
/** A person or a crawler can change the table or remove a partition while a container lives. */
const KNOWN_FOR_MS = 10 * MINUTE_MS;

export class Partitions {
  private descriptor: StorageDescriptor | undefined;
  private readonly registered = new Set<string>();
  private sinceMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly glue: Pick<GlueClient, "send">,
    private readonly database: string,
    private readonly table: string,
    private readonly clock: Clock,
  ) {}

  /** A date that exists already is fine: another object can have the same date. */
  async register(dates: readonly string[]): Promise<void> {
    this.forgetOld();
    const missing = dates.filter((date) => !this.registered.has(date));
    for (let start = 0; start < missing.length; start += CALL_SIZE) {
      await this.create(missing.slice(start, start + CALL_SIZE));
    }
  }

  private forgetOld(): void {
    if (this.clock.now() - this.sinceMs < KNOWN_FOR_MS) return;
    this.descriptor = undefined;
    this.registered.clear();
    this.sinceMs = this.clock.now();
  }

  private async create(dates: readonly string[]): Promise<void> {
    this.descriptor ??= await this.tableDescriptor();
    const location = this.descriptor.Location?.replace(/\/*$/, "/");
    const { Errors = [] } = await this.glue.send(
      new BatchCreatePartitionCommand({
        DatabaseName: this.database,
        TableName: this.table,
        PartitionInputList: dates.map((date) => ({
          Values: [date],
          StorageDescriptor: { ...this.descriptor, Location: `${location}event_date=${date}/` },
        })),
      }),
    );
    const failed = Errors.find(({ ErrorDetail }) => ErrorDetail?.ErrorCode !== "AlreadyExistsException");
    if (failed !== undefined) {
      const { ErrorCode, ErrorMessage } = failed.ErrorDetail ?? {};
      throw new Error(
        `Glue did not register the partition ${failed.PartitionValues} of ${this.database}.${this.table}: ${ErrorCode}: ${ErrorMessage}`,
      );
    }
    for (const date of dates) this.registered.add(date);
  }

  private async tableDescriptor(): Promise<StorageDescriptor> {
    const { Table } = await this.glue.send(
      new GetTableCommand({ DatabaseName: this.database, Name: this.table }),
    );
    if (!Table?.StorageDescriptor?.Location) {
      throw new Error(`The table ${this.database}.${this.table} has no location. Deploy the stack again.`);
    }
    return Table.StorageDescriptor;
  }
}
