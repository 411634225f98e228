// Decompresses gzip data with one or more members, up to a size limit.

import { gunzipSync } from "node:zlib";

export function isGzip(data: Buffer): boolean {
  return data.length >= 3 && data[0] === 0x1f && data[1] === 0x8b && data[2] === 8;
}

/** The decompressed bytes, or why decompression failed. */
export function gunzipped(data: Buffer, limit: number): Buffer | { fault: string } {
  try {
    // `info` is not in the types. It returns the engine, which has the number of bytes read.
    const options = { maxOutputLength: limit, info: true };
    const { buffer, engine } = gunzipSync(data, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    // Node ignores any bytes after the last member.
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
