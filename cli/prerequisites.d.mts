/** Something must be installed by hand before anything can start. */
export class MissingTools extends Error {
  exitCode: number;
  problems: string[];
}

export function nodeIsTooOld(version: string): boolean;
export function missingTools(env: NodeJS.ProcessEnv): MissingTools | undefined;
export function findTools(
  env: NodeJS.ProcessEnv,
  options?: { java?: boolean },
): { python: string; pythonVersion: string; javaHome: string | undefined };
export function findPython(env: NodeJS.ProcessEnv): { path?: string; version?: string; problem?: string };
export function findJava(env: NodeJS.ProcessEnv): { home?: string; version?: number; problem?: string };
