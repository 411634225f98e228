// What an event is: the canonical form that producers send and ingest writes; schema/clickstream.json says the same.

export interface Geo {
  ip?: string;
  country?: string;
  city?: string;
}

export interface ClickstreamEvent {
  event_id?: string;
  event_type: string;
  /** UTC, `2026-11-21T09:00:00.000Z`, to the microsecond at most. */
  event_time: string;
  user_id?: string;
  session_id?: string;
  page_url?: string;
  referrer_url?: string;
  device_type?: string;
  browser?: string;
  user_agent?: string;
  email?: string;
  geo?: Geo;
  product_id?: string;
  product_name?: string;
  product_category?: string;
  product_price?: number;
  quantity?: number;
  properties?: Record<string, string>;
}

/** Where and when Kinesis took the event; (shard, sequence number, position) is unique for good. */
export interface Arrival {
  time: string;
  shard_id: string;
  sequence_number: string;
  position: number;
}

/** One line of a raw object: an event whose id is certain, and its arrival. */
export type RawLine = ClickstreamEvent & { event_id: string; arrival: Arrival };

export const QUARANTINE_REASONS = [
  "empty_record",
  "not_utf8",
  "broken_gzip",
  "broken_aggregate",
  "not_json",
  "log_line",
  "not_a_log_line",
  "not_an_object",
  "too_deep",
  "too_large",
  "missing_event_type",
  "missing_event_time",
  "missing_user_and_session",
  "invalid_event_time",
  "event_time_out_of_window",
  "invalid_field",
  "unprocessable",
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

/** One line of a quarantine object: what arrived, whole, and why it is no event. */
export interface QuarantineLine {
  reason: QuarantineReason;
  detail: string;
  payload: string;
  payload_encoding: "utf8" | "base64";
  shard_id: string;
  sequence_number: string;
  position: number;
  /** `2026-11-21 09:00:01.123`, as Athena's timestamp columns want it. */
  arrival_time: string;
}

export const TEXT_FIELDS = [
  "event_id",
  "event_type",
  "user_id",
  "session_id",
  "page_url",
  "referrer_url",
  "device_type",
  "browser",
  "user_agent",
  "email",
  "product_id",
  "product_name",
  "product_category",
] as const satisfies readonly (keyof ClickstreamEvent)[];
export type TextField = (typeof TEXT_FIELDS)[number];

export const GEO_FIELDS = ["ip", "country", "city"] as const satisfies readonly (keyof Geo)[];
export type GeoField = (typeof GEO_FIELDS)[number];

/** What producers write for an id when they have none, in small letters: such an event gets an id of its own. */
export const NO_IDS: ReadonlySet<string> = new Set([
  ...["0", "-", "--", "null", "(null)", "nil", "none", "(none)", "undefined", "nan", "n/a", "na", "unknown"],
  ...["(not set)", "false", "true", "{}", "[]", "[object object]"],
  "00000000-0000-0000-0000-000000000000",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
]);

/** How the flat producer calls what the canonical form nests or names otherwise. */
export const FLAT_NAMES = {
  timestamp: "event_time",
  country: "geo.country",
  city: "geo.city",
  ip_address: "geo.ip",
} as const;
