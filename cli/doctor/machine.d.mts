/** One line of the doctor's answer. */
export interface Check {
  name: string;
  /** "unknown" is what could not be asked, or need not be so: no fault. */
  state: "ok" | "bad" | "unknown";
  says: string;
  remedy?: string;
}

export interface Probe {
  nodeVersion?: () => string;
  npmVersion?: (env: NodeJS.ProcessEnv) => string | undefined;
  python?: (env: NodeJS.ProcessEnv) => { version?: string; problem?: string };
  java?: (env: NodeJS.ProcessEnv) => { version?: string | number; problem?: string };
  freeBytes?: (root: string) => number;
  listen?: () => Promise<unknown>;
  staleParts?: (root: string, env: NodeJS.ProcessEnv) => string[];
}

/** All checks of the machine; `probe` replaces what is asked of it, for tests. */
export function machineChecks(root: string, env: NodeJS.ProcessEnv, probe?: Probe): Promise<Check[]>;
