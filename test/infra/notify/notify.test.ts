import assert from "node:assert/strict";
import { evaluate } from "../program";

const SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription";

describe("infra/notify/notify", () => {
  it("has both topics, no subscription, and says how to subscribe, where no address is configured", async () => {
    const program = await evaluate();
    assert.deepEqual(
      program
        .of("aws:sns/topic:Topic")
        .map(({ name }) => name)
        .sort(),
      ["PipelineFailure", "PipelineSuccess"],
    );
    assert.deepEqual(program.of(SUBSCRIPTION), []);
    assert.equal(
      program.outputs.subscribeCommand,
      [
        "Nobody gets the pipeline's mails yet.",
        "To add an address to the configuration: pulumi config set --path 'clickstream:successEmails[0]' you@example.com && pulumi config set --path 'clickstream:failureEmails[0]' you@example.com && pulumi up",
        "Or at once, outside the stack's configuration: aws sns subscribe --region eu-west-1 --topic-arn arn:aws:sns/topic:Topic:PipelineSuccess --protocol email --notification-endpoint you@example.com ; aws sns subscribe --region eu-west-1 --topic-arn arn:aws:sns/topic:Topic:PipelineFailure --protocol email --notification-endpoint you@example.com",
        "Then follow the link in the confirmation mail that AWS sends, within two days.",
      ].join("\n"),
    );
  });

  it("subscribes each address to the topic that it is configured for", async () => {
    const program = await evaluate({
      successEmails: '["ann@example.com"]',
      failureEmails: '["ann@example.com","ops@example.com"]',
    });
    assert.deepEqual(
      program
        .of(SUBSCRIPTION)
        .map(({ inputs }) => [inputs.topic, inputs.protocol, inputs.endpoint])
        .sort(),
      [
        ["arn:aws:sns/topic:Topic:PipelineFailure", "email", "ann@example.com"],
        ["arn:aws:sns/topic:Topic:PipelineFailure", "email", "ops@example.com"],
        ["arn:aws:sns/topic:Topic:PipelineSuccess", "email", "ann@example.com"],
      ],
    );
    assert.match(
      String(program.outputs.subscribeCommand),
      /^Mails go to ann@example.com, ops@example.com, once/,
    );
  });
});
