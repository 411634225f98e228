// Environment variables of the collector Lambda. infra sets them using this type.

import type { DestinationEnv } from "../shared/destination";

export type CollectorEnv = DestinationEnv & CollectorSettings;

export interface CollectorSettings {
  /** The privacy rule of `ip`: keep, mask, hash or drop. An address is masked or dropped before it is stored. */
  IP_RULE: string;
  /** The privacy rule of `user_agent`: keep, mask, hash or drop. A dropped header is not stored. */
  USER_AGENT_RULE: string;
  /** ARN of the secret in Secrets Manager whose text is the write key. Empty: no write key is needed. */
  WRITE_KEY_SECRET_ARN: string;
  /** `true`: a request with the header `Sec-GPC: 1` is stored without ids. */
  RESPECT_GPC: string;
  /** `true`: a request with the header `DNT: 1` is stored without ids. */
  RESPECT_DNT: string;
}
