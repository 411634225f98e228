// The commands that npm start -- --keep prints: they put an event where the stack takes events.
import assert from "node:assert/strict";
import { Console } from "../../../cli/view/console";
import { showKept } from "../../../cli/view/kept-stack";
import type { LocalStack } from "../../../local/stack";
import { OUTPUTS } from "../accept/fakes";

function shown(outputs: Partial<LocalStack["outputs"]>): string {
  let text = "";
  const stream = { isTTY: false, write: (part: string) => (text += part) } as unknown as NodeJS.WriteStream;
  const stack = {
    id: "run-1",
    endpoint: "http://127.0.0.1:1",
    env: { AWS_REGION: "us-east-1" },
    stateDir: "/tmp/run-1",
    outputs: { ...OUTPUTS, ...outputs },
  };
  showKept(stack as unknown as LocalStack, new Console(stream));
  return text;
}

describe("cli/view/kept-stack", () => {
  it("puts an event into the stream", () => {
    const text = shown({});
    assert.match(
      text,
      /aws kinesis put-record --stream-name clickstream-stream-1 --partition-key me .* --data '\{/,
    );
    assert.doesNotMatch(text, /firehose/);
  });

  it("puts an event into the delivery stream of a stack without a stream", () => {
    const text = shown({ streamName: "", deliveryStreamName: "clickstream-delivery-1" });
    const [, record = ""] =
      /aws firehose put-record --delivery-stream-name clickstream-delivery-1 .* --record '(.*)'/.exec(text) ??
      [];
    assert.equal(JSON.parse(JSON.parse(record).Data).event_type, "page_view");
    assert.doesNotMatch(text, /kinesis/);
  });
});
