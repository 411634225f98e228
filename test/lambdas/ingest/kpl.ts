// Writes aggregates as the Kinesis Producer Library does: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md

import { createHash } from "node:crypto";

/** A protobuf field of bytes. */
export function field(number: number, value: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = value.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), value]);
  }
}

/** The message with the library's mark and checksum. */
export function signed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from("f3899ac2", "hex"), message, createHash("md5").update(message).digest()]);
}

/** As the library writes it: key table, records with the key's index, checksum. */
export function aggregate(datas: readonly (string | Buffer)[]): Buffer {
  const records = datas.map((data) =>
    field(
      3,
      Buffer.concat([
        Buffer.from([8, 0]),
        field(3, Buffer.from(data)),
        field(4, field(1, Buffer.from("tag"))),
      ]),
    ),
  );
  return signed(Buffer.concat([field(1, Buffer.from("key")), field(2, Buffer.from("0")), ...records]));
}
