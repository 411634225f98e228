// What the simulator Lambda reads from its environment; infra wires it by this type.

export interface SimulatorEnv {
  /** Name of the Kinesis stream that the events are put into. */
  STREAM_NAME: string;
}
