// Environment variables of the simulator Lambda. infra sets them using this type.

export interface SimulatorEnv {
  /** Name of the Kinesis stream for the events. */
  STREAM_NAME: string;
}
