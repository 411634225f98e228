// The URL of a page as the tracker sends it, and the campaign that it takes out of it.
import assert from "node:assert/strict";
import { campaignFields, pageUrl } from "../../tracker/url";

describe("tracker: page URL", () => {
  const cases: [name: string, href: string, withHash: boolean, url: string, campaign: string][] = [
    ["nothing to take out", "https://s.example/a?q=x%20y&z", false, "https://s.example/a?q=x%20y&z", ""],
    ["no fragment", "https://s.example/a#top", false, "https://s.example/a", ""],
    ["a fragment where routes use it", "https://s.example/#/a", true, "https://s.example/#/a", ""],
    [
      "campaign and other parameters",
      "https://s.example/?utm_source=news%20letter&q=1&utm_medium=email&utm_term=",
      false,
      "https://s.example/?q=1",
      "utm_source=news+letter&utm_medium=email",
    ],
    [
      "only a campaign",
      "https://s.example/?utm_campaign=a%26b",
      false,
      "https://s.example/",
      "utm_campaign=a%26b",
    ],
  ];
  for (const [name, href, withHash, url, campaign] of cases)
    it(name, () => assert.deepEqual(pageUrl(href, withHash), [url, campaign]));

  it("reads the fields of a campaign back", () => {
    assert.deepEqual(campaignFields("utm_source=news+letter&utm_campaign=a%26b"), {
      utm_source: "news letter",
      utm_campaign: "a&b",
    });
    assert.deepEqual(campaignFields(""), {});
  });
});
