// The types of events and quarantine lines. Written by `npm run docs` from schema/clickstream.json.

export interface Geo {
  /** The visitor's address, IPv4 or IPv6. */
  ip?: string;
  /** The visitor's country. */
  country?: string;
  /** The visitor's city. */
  city?: string;
}

/** An event as the ingest writes it. */
export interface ClickstreamEvent {
  /** The event's identity: the first copy to arrive is kept, another event under it goes to the quarantine. Made from shard, sequence number and position if the producer sends none, or one that counts as none. */
  event_id?: string;
  /** Who did it. */
  user_id?: string;
  /** The visit in which it happened. */
  session_id?: string;
  /** The visitor, as the tracker knows them before they sign in. */
  anonymous_id?: string;
  /** When it happened, ISO 8601; without a zone it is UTC. Or seconds, milliseconds or microseconds since 1970, as a number or as digits, for the years 1990 to 2099. */
  event_time: string;
  /** What happened, e.g. page_view or purchase. Open: unknown types pass. */
  event_type: string;
  /** The page on which it happened. */
  page_url?: string;
  /** The title of the page on which it happened. */
  page_title?: string;
  /** The page that led there. */
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
  /** The price of one piece. */
  product_price?: number;
  /** How many pieces. */
  quantity?: number;
  /** Everything else that the producer sent, as text: numbers with the digits that were sent, objects and arrays as JSON. */
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
  /** The reason in one sentence, with the value at fault. */
  detail: string;
  /** What arrived, whole: the line without the blanks around it; in base64 the whole record, or the user record of an aggregate, byte for byte. */
  payload: string;
  /** utf8, or base64 where the bytes are no UTF-8. */
  payload_encoding: "utf8" | "base64";
  /** The shard that it came through. */
  shard_id: string;
  /** Its record's sequence number. */
  sequence_number: string;
  /** Its place among the lines of its record, from 0: all that a record unpacks to is counted through. */
  position: number;
  /** When Kinesis received it. */
  arrival_time: string;
}
