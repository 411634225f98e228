// Environment variables of the firehose-ingest Lambda: those of the ingest, as it validates and writes the same way.

import type { IngestEnv } from "../ingest/env";

export type FirehoseIngestEnv = IngestEnv;
