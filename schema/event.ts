// The types of events and quarantine lines. Written by `npm run docs` from schema/clickstream.json.

export interface Geo {
  /** The visitor's IP address, IPv4 or IPv6. */
  ip?: string;
  /** The visitor's country. */
  country?: string;
  /** The visitor's city. */
  city?: string;
}

/** An event as the ingest writes it. */
export interface ClickstreamEvent {
  /** Unique id of the event. The first copy to arrive is kept, a different event with the same id is quarantined. If the producer sends no id, or a placeholder such as null, it is made from shard, sequence number and position. */
  event_id?: string;
  /** The signed-in user. */
  user_id?: string;
  /** The visit (session) of the event. */
  session_id?: string;
  /** The visitor's id in the tracker, also before sign-in. */
  anonymous_id?: string;
  /** Time of the event in ISO 8601, UTC if it has no zone. Also accepted: seconds, milliseconds or microseconds since 1970, as a number or as text, for the years 1990 to 2099. */
  event_time: string;
  /** Type of the event, e.g. page_view or purchase. Any type is accepted. */
  event_type: string;
  /** The URL of the page. */
  page_url?: string;
  /** The title of the page. */
  page_title?: string;
  /** The URL of the previous page (referrer). */
  referrer_url?: string;
  /** The campaign's source, e.g. newsletter (the URL parameter utm_source). */
  utm_source?: string;
  /** The campaign's medium, e.g. email or cpc (the URL parameter utm_medium). */
  utm_medium?: string;
  /** The campaign's name (the URL parameter utm_campaign). */
  utm_campaign?: string;
  /** The kind of device: desktop, mobile, tablet or another. */
  device_type?: string;
  /** The browser's name. */
  browser?: string;
  /** The name of the operating system. */
  os?: string;
  /** The browser's full User-Agent header. */
  user_agent?: string;
  /** The visitor's e-mail address. */
  email?: string;
  /** The product that the event is about. */
  product_id?: string;
  /** The product's name. */
  product_name?: string;
  /** The product's category. */
  product_category?: string;
  /** The price per piece. */
  product_price?: number;
  /** Number of pieces. */
  quantity?: number;
  /** All other fields that the producer sent, as text: numbers with their original digits, objects and arrays as JSON. */
  properties?: Record<string, string>;
  geo?: Geo;
}

/** The reasons for which the ingest does not accept a line. */
export type QuarantineReason =
  | "empty_record"
  | "not_utf8"
  | "broken_gzip"
  | "broken_aggregate"
  | "not_json"
  | "log_line"
  | "not_a_log_line"
  | "not_an_object"
  | "too_deep"
  | "too_large"
  | "missing_event_type"
  | "missing_event_time"
  | "missing_user_and_session"
  | "invalid_event_time"
  | "event_time_out_of_window"
  | "invalid_field"
  | "unprocessable";

/** One line of a quarantine object. Its time has the form that Athena reads: `2026-11-21 09:00:01.123`. */
export interface QuarantineLine {
  /** Why the line was not accepted: one of the reason codes. */
  reason: QuarantineReason;
  /** The reason in one sentence, with the wrong value. */
  detail: string;
  /** The complete input: the trimmed line, or in base64 the bytes of the record or of a user record in an aggregate. */
  payload: string;
  /** utf8, or base64 if the bytes are not UTF-8. */
  payload_encoding: "utf8" | "base64";
  /** The shard of its record. */
  shard_id: string;
  /** The sequence number of its record. */
  sequence_number: string;
  /** Its index among all lines of its record after unpacking, from 0. */
  position: number;
  /** When Kinesis received it. */
  arrival_time: string;
}
