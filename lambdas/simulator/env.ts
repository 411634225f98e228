// Environment variables of the simulator Lambda. infra sets them using this type.

import type { DestinationEnv } from "../shared/destination";

export type SimulatorEnv = DestinationEnv;
