// npm run accept on one local stack: interrupted, gone on with, and to its report.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalDeployer } from "../../cli/accept/local-deployer";
import type { Report } from "../../cli/accept/report";
import { ROWS } from "../../cli/accept/rows";
import { main } from "../../cli/commands/accept";
import { Interrupted } from "../../stack/interrupt";

/** What a local stack can show; everything else must not be called seen. */
const LOCALLY_SEEN = [
  ...["deploy", "function-roles", "execution", "poison", "quiet", "given-up", "refused-input", "failed-job"],
  ...["recovered", "reprocess", "partitions", "mails", "log-groups", "leftovers", "collector"],
];

/** Keeps the stack of an interrupted run, as AWS would. */
class KeptDeployer extends LocalDeployer {
  override async close(): Promise<void> {}
  end(): Promise<void> {
    return super.close();
  }
}

class Screen {
  text = "";
  write(text: string): void {
    this.text += text;
  }
}

describe("e2e: npm run accept -- --local", function () {
  this.timeout(300_000);
  let folder: string;
  let deployer: KeptDeployer | undefined;
  let ups = 0;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "clickstream-accept-"));
  });
  after(async () => {
    await deployer?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  function accept(signal: AbortSignal, screen: Screen): Promise<number> {
    const localDeployer = (given: ConstructorParameters<typeof LocalDeployer>[0]) => {
      deployer ??= new KeptDeployer(given);
      return deployer;
    };
    const output = {
      write(text: string) {
        screen.write(text);
        // The run is interrupted while the second execution is under way.
        if (ups === 0 && text.includes("an unknown key in its input")) {
          ups += 1;
          controller.abort(new Interrupted("SIGINT"));
        }
      },
    };
    return main({ local: true }, { folder, signal, localDeployer, output });
  }

  let controller = new AbortController();

  it("says that it was interrupted, and keeps what is done", async () => {
    const screen = new Screen();
    assert.equal(await accept(controller.signal, screen), 130);
    assert.match(screen.text, /Ended by SIGINT/);
    const state = JSON.parse(readFileSync(join(folder, "local", "state.json"), "utf8"));
    assert.deepEqual(Object.keys(state.steps), ["deploy", "second-up", "simulate", "give-up"]);
    assert.equal(state.finished, false);
    assert.equal(existsSync(join(folder, "local", "report.md")), false);
  });

  it("resumes after the last step, checks what a local stack can show, and reports nothing else as seen", async () => {
    const screen = new Screen();
    controller = new AbortController();
    const code = await accept(controller.signal, screen);
    assert.doesNotMatch(screen.text, /simulated events \(about/, "what is done is not done again");
    assert.match(screen.text, /Resuming the run .* Steps done: 4\./);
    const report = JSON.parse(readFileSync(join(folder, "local", "report.json"), "utf8")) as Report;
    const wrong = report.rows.filter(({ state }) => state === "not as expected");
    assert.deepEqual(wrong, []);
    assert.equal(code, 0);
    const seen = report.rows.filter(({ state }) => state === "seen").map(({ id }) => id);
    assert.deepEqual(seen.sort(), [...LOCALLY_SEEN].sort());
    assert.equal(report.rows.length, ROWS.length);
    for (const { id, state, says } of report.rows) {
      if (state === "not checkable by a program") assert.ok(says.length > 5, `${id} says why`);
    }
    const markdown = readFileSync(join(folder, "local", "report.md"), "utf8");
    assert.match(markdown, new RegExp(`## Seen \\(${LOCALLY_SEEN.length}\\)`));
  });

  it("is finished: the stack no longer exists, and there is nothing to resume", async () => {
    const state = JSON.parse(readFileSync(join(folder, "local", "state.json"), "utf8"));
    assert.equal(state.finished, true);
    assert.deepEqual(await deployer?.existing(), []);
  });
});
