// Looks up the country of an address in the data set that is deployed with the function.

import { isIP } from "node:net";
import type { Response } from "maxmind";
import type { Log } from "../shared/log";
import { errorMessage, errorName } from "../shared/runtime";
import { plainAddress } from "./address";

/** A record of the data set: ISO 3166-1 alpha-2. */
interface CountryRecord {
  country_code?: string;
}

interface CountryReader {
  get(address: string): unknown;
}

const REMEMBERED_ADDRESSES = 1_000;

/** Opened by the first request that needs it. A data set that cannot be opened costs the country, not the events. */
export class Countries {
  private reader: Promise<CountryReader | undefined> | undefined;

  constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {}

  /** undefined for a private address, and for one that the data set does not have. */
  async of(address: unknown): Promise<string | undefined> {
    const plain = typeof address === "string" ? plainAddress(address) : undefined;
    if (plain === undefined || isIP(plain) === 0) return undefined;
    this.reader ??= this.open();
    const found = (await this.reader)?.get(plain) as CountryRecord | null | undefined;
    return found?.country_code;
  }

  private async open(): Promise<CountryReader | undefined> {
    try {
      const { open } = await import("maxmind");
      return await open<Response>(this.file, { cache: { max: REMEMBERED_ADDRESSES } });
    } catch (error) {
      this.log({
        level: "ERROR",
        message:
          "The data set of countries cannot be opened, so events have no country. Deploy the function again",
        error: errorName(error),
        detail: errorMessage(error),
      });
      return undefined;
    }
  }
}
