// Reads the mails that the local stack delivered, from the .eml files of its mailbox.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import PostalMime from "postal-mime";

export interface Mail {
  to: string;
  subject: string;
  body: string;
  date: string;
  /** A confirmation asks whether an address wants a topic's mails. All other mails are notifications. */
  kind: "confirmation" | "notification";
  file: string;
}

const CONFIRMATION_LINK = /https?:\/\/[^\s"'<>]*Action=ConfirmSubscription[^\s"'<>]*/;

export async function readMails(mailDir: string): Promise<Mail[]> {
  if (!existsSync(mailDir)) return [];
  const files = readdirSync(mailDir).filter((name) => name.endsWith(".eml"));
  return Promise.all(files.sort().map((name) => readMail(join(mailDir, name))));
}

async function readMail(file: string): Promise<Mail> {
  const mail = await PostalMime.parse(readFileSync(file));
  const body = (mail.text ?? "").replaceAll("\r\n", "\n").trimEnd();
  return {
    to: (mail.to ?? []).map(({ address }) => address).join(", "),
    subject: mail.subject ?? "",
    body,
    date: mail.date ?? "",
    kind: confirmationLink(body) ? "confirmation" : "notification",
    file,
  };
}

function confirmationLink(body: string): string | undefined {
  return CONFIRMATION_LINK.exec(body)?.[0];
}

/** Opens the link of a confirmation mail, as its receiver would. Opens only links to the local stack. */
export async function confirm(mail: Mail, endpoint: string): Promise<void> {
  const link = confirmationLink(mail.body);
  if (!link) throw new Error(`The mail "${mail.subject}" has no confirmation link`);
  if (new URL(link).origin !== new URL(endpoint).origin) {
    throw new Error(`The confirmation link ${link} does not lead to the local stack at ${endpoint}`);
  }
  const response = await fetch(link);
  if (!response.ok)
    throw new Error(`The confirmation link ${link} answered ${response.status}: ${await response.text()}`);
}
