// Unpacks gzip, of one member or several, within a limit.

import { gunzipSync } from "node:zlib";

export function isGzip(data: Buffer): boolean {
  return data.length >= 3 && data[0] === 0x1f && data[1] === 0x8b && data[2] === 8;
}

/** The unpacked bytes, or why there are none. */
export function gunzipped(data: Buffer, limit: number): Buffer | { fault: string } {
  try {
    // `info` is not in the types: it adds the engine, which knows how far it has read.
    const options = { maxOutputLength: limit, info: true };
    const { buffer, engine } = gunzipSync(data, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    // Node ignores whatever follows the last member.
    const rest = data.length - engine.bytesWritten;
    return rest === 0 ? buffer : { fault: `${rest} bytes follow its end` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      return {
        fault: `it unpacks to more than ${limit.toLocaleString("en-US")} bytes, the limit for its size`,
      };
    }
    return { fault: message };
  }
}
