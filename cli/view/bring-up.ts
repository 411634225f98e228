// Starts a local stack for a command, and shows its progress.
import { type LocalStack, upStack } from "../../local/stack";
import type { Console } from "./console";

export async function bringUp(
  console: Console,
  signal: AbortSignal,
  config: Record<string, unknown>,
): Promise<LocalStack> {
  const { dim } = console.colours;
  const stack = await upStack({
    config,
    signal,
    onProgress: (line) => console.event(line),
    onWarning: (line) => console.detail(line),
    onResource: ({ created, declared, resource }) =>
      console.setStatus(`${created} of ${declared} resources created: ${resource}`),
  });
  console.setStatus("");
  console.event(`${stack.resources} resources deployed to ${stack.endpoint}`);
  if (stack.warnings.length > 0) {
    console.detail("These inputs have no effect on the local stack:");
    for (const warning of stack.warnings) console.line(dim(`${" ".repeat(12)}${warning}`));
  }
  return stack;
}
