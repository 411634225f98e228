// Writes the start of an event, its id and its time, by patching bytes in place: the hottest part of a simulation.

import type { Random } from "../shared/random";

const TEMPLATE =
  '{"event_id":"00000000-0000-4000-8000-000000000000","event_time":"2000-01-01T00:00:00.000Z",';
const ID_AT = TEMPLATE.indexOf("0000");
const TIME_AT = TEMPLATE.indexOf("2000-");
const DAY_MS = 86_400_000;
const ZERO = 48;

/** The two hexadecimal digits of each byte. */
const HEX_HIGH = new Uint8Array(256);
const HEX_LOW = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  HEX_HIGH[byte] = "0123456789abcdef".charCodeAt(byte >> 4);
  HEX_LOW[byte] = "0123456789abcdef".charCodeAt(byte & 15);
}

export class EventHead {
  private day = Number.NaN;
  private dayText = "";

  /** The head lies at the start of `bytes` from now on; only what differs is written again. */
  constructor(
    private readonly random: Random,
    private readonly bytes: Buffer,
  ) {
    bytes.write(TEMPLATE, 0, "latin1");
  }

  /** Writes `{"event_id":"…","event_time":"…",` with a version 4 UUID from the seed; gives its length. */
  write(epochMs: number): number {
    this.writeId();
    this.writeTime(epochMs);
    return TEMPLATE.length;
  }

  /** The UTC date of the event that came last, `2026-11-21`. */
  date(): string {
    return this.dayText;
  }

  private writeId(): void {
    const { random } = this;
    const a = random.bits();
    const b = random.bits();
    const c = random.bits();
    const d = random.bits();
    this.hex4(ID_AT, a >>> 16);
    this.hex4(ID_AT + 4, a & 0xffff);
    this.hex4(ID_AT + 9, b >>> 16);
    this.hex4(ID_AT + 14, (b & 0x0fff) | 0x4000);
    this.hex4(ID_AT + 19, ((c >>> 16) & 0x3fff) | 0x8000);
    this.hex4(ID_AT + 24, c & 0xffff);
    this.hex4(ID_AT + 28, d >>> 16);
    this.hex4(ID_AT + 32, d & 0xffff);
  }

  private hex4(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = HEX_HIGH[value >> 8] as number;
    bytes[at + 1] = HEX_LOW[value >> 8] as number;
    bytes[at + 2] = HEX_HIGH[value & 255] as number;
    bytes[at + 3] = HEX_LOW[value & 255] as number;
  }

  private writeTime(epochMs: number): void {
    const day = Math.floor(epochMs / DAY_MS);
    if (day !== this.day) {
      this.day = day;
      this.dayText = new Date(day * DAY_MS).toISOString().slice(0, 10);
      this.bytes.write(this.dayText, TIME_AT, "latin1");
    }
    const ms = epochMs - day * DAY_MS;
    const seconds = (ms / 1000) | 0;
    const fraction = ms - seconds * 1000;
    this.two(TIME_AT + 11, (seconds / 3600) | 0);
    this.two(TIME_AT + 14, ((seconds / 60) | 0) % 60);
    this.two(TIME_AT + 17, seconds % 60);
    this.two(TIME_AT + 20, (fraction / 10) | 0);
    this.bytes[TIME_AT + 22] = ZERO + (fraction % 10);
  }

  private two(at: number, value: number): void {
    const tens = (value / 10) | 0;
    this.bytes[at] = ZERO + tens;
    this.bytes[at + 1] = ZERO + value - tens * 10;
  }
}
