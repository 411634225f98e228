// Waits for the mail that ends an execution, and shows it.
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Mail, readMails } from "../../local/mailbox";
import type { StackOutputs } from "../../stack/outputs";
import type { Console } from "./console";

const SECONDS = 15;

export class MailWatch {
  private constructor(
    private readonly mailDir: string,
    private readonly seen: ReadonlySet<string>,
  ) {}

  /** Remembers the mails that exist now. Later ones belong to the execution that is about to start. */
  static async begin(mailDir: string): Promise<MailWatch> {
    return new MailWatch(mailDir, new Set((await readMails(mailDir)).map(({ file }) => file)));
  }

  async arrived(): Promise<Mail[]> {
    const mails = await readMails(this.mailDir);
    return mails.filter(({ file, kind }) => !this.seen.has(file) && kind === "notification");
  }

  /** Returns the new mails when one from the topic is among them, or after a timeout. */
  async waitFor(topicArn: string): Promise<{ mails: Mail[]; found: boolean }> {
    const deadline = Date.now() + SECONDS * 1000;
    for (;;) {
      const mails = await this.arrived();
      const found = mails.some((mail) => isOf(mail, topicArn));
      if (found || Date.now() > deadline) return { mails, found };
      await sleep(100);
    }
  }
}

/** The mailbox's file names contain the topic. */
function isOf(mail: Mail, topicArn: string): boolean {
  const topic = topicArn.split(":").at(-1) ?? topicArn;
  return basename(mail.file).includes(topic);
}

export function topicOf(status: string, outputs: StackOutputs): string {
  return status === "SUCCEEDED" ? outputs.successTopicArn : outputs.failureTopicArn;
}

export function showMails(mails: Mail[], console: Console): void {
  if (mails.length === 0) return;
  console.heading(mails.length === 1 ? "Mail received" : `${mails.length} mails received`);
  for (const { to, subject, body } of mails) console.frame([`To: ${to}`, `Subject: ${subject}`], body);
}
