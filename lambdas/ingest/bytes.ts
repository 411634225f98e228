// Describes the likely format of bytes that are not UTF-8 text.

const SIGNATURES: readonly [bytes: string, name: string][] = [
  ["28b52ffd", "Zstandard-compressed data"],
  ["504b0304", "a zip file"],
  ["425a68", "bzip2-compressed data"],
  ["fd377a585a00", "xz-compressed data"],
  ["ff060000734e61507059", "Snappy-compressed data"],
  ["4f626a01", "an Avro file"],
  ["50415231", "a Parquet file"],
  ["fffe", "UTF-16 text"],
  ["feff", "UTF-16 text"],
];
const SAMPLE_BYTES = 4096;
const ZLIB_METHOD = 0x78;

export function bytesInWords(data: Buffer): string {
  const start = data.subarray(0, 16).toString("hex");
  const signature = SIGNATURES.find(([bytes]) => start.startsWith(bytes));
  if (signature !== undefined) return signature[1];
  if (isUtf16(data)) return "UTF-16 text";
  if (data[0] === ZLIB_METHOD && data.length > 1 && data.readUInt16BE(0) % 31 === 0) {
    return "zlib-compressed data";
  }
  return isSingleByteText(data)
    ? "text in Latin-1, Windows-1252 or another single-byte encoding"
    : "binary data";
}

/**
 * Detects UTF-16 by its byte order mark, or by its zero bytes: every second byte of Western text is 0.
 * Without this check such bytes pass as UTF-8.
 */
export function isUtf16(data: Buffer): boolean {
  if (data.length < 4) return false;
  if (hasUtf16Mark(data)) return true;
  if (!data.includes(0)) return false;
  const sample = data.subarray(0, SAMPLE_BYTES);
  const zeros = [0, 0];
  for (const [index, byte] of sample.entries()) {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] as number) + 1;
  }
  const [even, odd] = zeros as [number, number];
  return Math.max(even, odd) * 4 > sample.length;
}

function hasUtf16Mark(data: Buffer): boolean {
  const mark = data.readUInt16BE(0);
  return mark === 0xfffe || mark === 0xfeff;
}

/** Mostly ASCII, and no control characters except white space. */
export function isSingleByteText(data: Buffer): boolean {
  let beyondAscii = 0;
  for (const byte of data) {
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) return false;
    if (byte >= 127) beyondAscii += 1;
  }
  return beyondAscii * 2 < data.length;
}
