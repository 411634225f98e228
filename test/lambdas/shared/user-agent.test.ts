// Which device a user agent is, from a table by hand: phones that sound like bots, and programs that do not.

import assert from "node:assert/strict";
import { agentTraits } from "../../../lambdas/shared/user-agent";

const android = (model: string) =>
  `Mozilla/5.0 (Linux; Android 10; ${model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36`;
const MAC =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0";

const DEVICES: Readonly<Record<string, string[]>> = {
  mobile: [
    android("CUBOT NOTE S"),
    android("CUBOT_X20_PRO"),
    android("CUBOT"),
    android("Planet Computers Cosmo"),
    android("Wizz Planet 5"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1",
  ],
  desktop: [
    `${MAC} Safari/537.36`,
    "Mozilla/5.0 (Windows NT 6.1; rv:11.0) Gecko/20100101 Firefox/11.0",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; chromeframe/19.0.1084.52)",
  ],
  bot: [
    `${MAC} Safari/537.36 Chrome-Lighthouse`,
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    "ELB-HealthChecker/2.0",
    "kube-probe/1.29",
    "GoogleHC/1.0",
    "Amazon-Route53-Health-Check-Service (ref abc; report http://amzn.to/1vsZADi)",
    "Consul Health Check",
    "Envoy/HC",
    "Blackbox Exporter/0.24.0",
    "Prometheus/2.45.0",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Mozilla/5.0 (compatible; Exabot/3.0; +http://www.exabot.com/go/robot)",
    "UniversalFeedParser/4.2 +http://feedparser.org/",
    "facebookexternalhit/1.1",
    "curl/7.74.0",
    "axios/1.6.0",
  ],
};

describe("lambdas/shared/user-agent", () => {
  for (const [device, agents] of Object.entries(DEVICES)) {
    for (const agent of agents) {
      it(`classifies as ${device}: ${agent}`, () => assert.equal(agentTraits(agent).deviceType, device));
    }
  }

  it("detects the operating system, and flags a bot", () => {
    assert.deepEqual(agentTraits(`${MAC} Safari/537.36`), {
      deviceType: "desktop",
      browser: "Chrome",
      os: "macOS",
      isBot: false,
    });
    assert.equal(
      agentTraits("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").isBot,
      true,
    );
  });

  it("detects the browser, if any", () => {
    assert.equal(
      agentTraits("Mozilla/5.0 (Windows NT 6.1; rv:11.0) Gecko/20100101 Firefox/11.0").browser,
      "Firefox",
    );
    const none = { deviceType: undefined, browser: undefined, os: undefined, isBot: false };
    assert.deepEqual(agentTraits(undefined), none);
    assert.deepEqual(agentTraits(""), none);
    assert.deepEqual(agentTraits(`${MAC} Safari/537.36 ${"x".repeat(2_000)}`), none);
  });
});
