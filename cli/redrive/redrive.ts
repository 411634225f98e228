// Empties a dead-letter queue into the function that gave its events up, message by message.
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { type Letter, readLetter } from "./letters";

/** While the command works, no other reader of the queue gets its messages. */
const HIDDEN_SECONDS = 600;
/** SQS answers no more messages at once. */
const MOST_MESSAGES = 10;

export interface RedriveRequest {
  sqs: Pick<SQSClient, "send">;
  lambda: Pick<LambdaClient, "send">;
  queueUrl: string;
  functionName: string;
  dryRun: boolean;
  /** Called for each message as soon as its fate is known. */
  onMessage?: (found: Found) => void;
}

export interface Found {
  messageId: string;
  /** `sent`: Lambda has accepted the event. `listed`: only shown. `unknown`: not an event of S3, kept. */
  fate: "sent" | "listed" | "unknown";
  objects: string[];
  error?: string;
}

/**
 * Sends each event again and then deletes its message: an interruption in between sends an event twice, which the
 * function takes, and loses none. What is kept can be read again at once.
 */
export async function redrive(options: RedriveRequest): Promise<Found[]> {
  const { sqs, queueUrl: QueueUrl } = options;
  const all: Found[] = [];
  const kept: string[] = [];
  try {
    for (let messages = await receive(options); messages.length > 0; messages = await receive(options)) {
      // Before the first one, so that an error leaves none of them hidden.
      kept.push(...messages.map(({ ReceiptHandle = "" }) => ReceiptHandle));
      for (const message of messages) {
        const found = await handle(message, options);
        if (found.fate === "sent") kept.splice(kept.indexOf(message.ReceiptHandle ?? ""), 1);
        all.push(found);
        options.onMessage?.(found);
      }
    }
  } finally {
    for (const ReceiptHandle of kept) {
      await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    }
  }
  return all;
}

async function receive({ sqs, queueUrl }: RedriveRequest): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: MOST_MESSAGES,
      MessageAttributeNames: ["All"],
      VisibilityTimeout: HIDDEN_SECONDS,
      // Without a wait, SQS asks only some of its servers and can answer nothing though there are messages.
      WaitTimeSeconds: 1,
    }),
  );
  return Messages;
}

async function handle(message: Message, options: RedriveRequest): Promise<Found> {
  const messageId = message.MessageId ?? "";
  const letter = readLetter(message);
  if (letter === undefined) return { messageId, fate: "unknown", objects: [] };
  const { objects, error } = letter;
  if (options.dryRun) return { messageId, fate: "listed", objects, error };
  await sendAgain(letter, message, options);
  return { messageId, fate: "sent", objects, error };
}

async function sendAgain(
  { event }: Letter,
  { ReceiptHandle }: Message,
  options: RedriveRequest,
): Promise<void> {
  const { lambda, sqs, functionName, queueUrl } = options;
  await lambda.send(
    new InvokeCommand({
      FunctionName: functionName,
      InvocationType: "Event",
      Payload: Buffer.from(JSON.stringify(event)),
    }),
  );
  await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
}
