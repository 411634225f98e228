// The permissions that docs/live.md lists are those that the live view's calls need, for a stream and for Firehose.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..", "..");

/** The IAM actions of the AWS SDK commands that the files of cli/live send. */
function actionsOf(...names: string[]): string[] {
  const actions = names.flatMap((name) => {
    const text = readFileSync(join(ROOT, "cli", "live", name), "utf8");
    const listings = text.includes('from "../../lambdas/shared/objects"') ? ["s3:ListBucket"] : [];
    const calls = [...text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g)].flatMap(
      ([, imported = "", client = ""]) =>
        [...imported.matchAll(/\b(\w+)Command\b/g)].map(([, command]) => `${client}:${command}`),
    );
    return [...listings, ...calls];
  });
  return [...new Set(actions)].sort();
}

describe("docs/live.md", () => {
  const document = readFileSync(join(ROOT, "docs", "live.md"), "utf8");
  const policies = [...document.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => {
    const { Statement } = JSON.parse(text) as { Statement: { Action: string[] }[] };
    return Statement.flatMap(({ Action }) => Action).sort();
  });

  it("lists the permissions of the live view's calls, and no others", () => {
    const ofStream = actionsOf("watch.ts", "stream-reader.ts");
    const ofFirehose = actionsOf("watch.ts", "object-reader.ts", "new-objects.ts");
    assert.deepEqual([ofStream.length, ofFirehose.length], [4, 3]);
    assert.deepEqual(policies, [ofStream, ofFirehose]);
  });
});
