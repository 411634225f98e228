// Refuses a raw object that is too large for the function's memory, before it is read.

/**
 * Measured once, on Node.js 24 with 30,000 ordinary events: 18 MB of lines, 1 MB of gzip, took 330 MB without a limit
 * on the heap. Most of it is for rows that wait to be written, whose size is bounded. What grows with the object is the
 * object itself and the ids of its events: some 20 bytes of gzip and 300 bytes of memory an event.
 */
const BASE_MB = 200;
const MEMORY_FOR_A_BYTE = 20;

export function checkSize(key: string, bytes: number, memoryMb: number): void {
  const needed = Math.ceil(BASE_MB + (bytes * MEMORY_FOR_A_BYTE) / 1024 / 1024);
  if (needed <= memoryMb) return;
  throw new Error(
    `${key} has ${bytes.toLocaleString("en-US")} bytes, which need about ${needed.toLocaleString("en-US")} MB of memory; the function has ${memoryMb}. ` +
      `Set a larger memory (pulumi config set clickstream:toParquetMemoryMb ${needed}), deploy, and redrive the queue. ` +
      "Or lower clickstream:firehoseBufferMb, so that objects stay smaller.",
  );
}
