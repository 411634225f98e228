// Mails as files: how they are read, and which links are opened.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { confirm, readMails } from "../../local/mailbox";

const HEAD = "From: AWS Notifications <no-reply@sns.amazonaws.com>\r\nTo: data-team@clickstream.example\r\n";

describe("local/mailbox", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-mails-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function mail(name: string, subject: string, body: string): void {
    const text = `${HEAD}Subject: ${subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${body}`;
    writeFileSync(join(folder, name), text);
  }

  it("reads mails in order of arrival, with encoded subjects and Unix newlines", async () => {
    mail("0002-PipelineSuccess-1.eml", "=?utf-8?q?197_events_curated_=E2=9C=93?=", "Two\r\nlines\r\n\r\n");
    mail(
      "0001-x.eml",
      "AWS Notification",
      "See http://127.0.0.1:1/?Action=ConfirmSubscription&Token=abc now",
    );
    writeFileSync(join(folder, "0003.partial"), "not yet whole");
    const mails = await readMails(folder);
    assert.deepEqual(
      mails.map(({ to, subject, kind }) => ({ to, subject, kind })),
      [
        { to: "data-team@clickstream.example", subject: "AWS Notification", kind: "confirmation" },
        { to: "data-team@clickstream.example", subject: "197 events curated ✓", kind: "notification" },
      ],
    );
    assert.equal(mails[1]?.body, "Two\nlines");
    assert.deepEqual(await readMails(join(folder, "nowhere")), []);
  });

  it("confirms by opening the link, but only links to the local stack", async () => {
    const opened: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      opened.push(request.url);
      response.end("ok");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      mail("0001-x.eml", "Confirm", `Open ${endpoint}/?Action=ConfirmSubscription&Token=abc`);
      mail("0002-x.eml", "Confirm", "Open https://sns.example.com/?Action=ConfirmSubscription&Token=abc");
      const [own, foreign] = await readMails(folder);
      assert(own && foreign);
      await confirm(own, endpoint);
      assert.deepEqual(opened, ["/?Action=ConfirmSubscription&Token=abc"]);
      await assert.rejects(confirm(foreign, endpoint), /does not lead to the local stack/);
    } finally {
      server.close();
    }
  });
});
