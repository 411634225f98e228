// npm run demo: a small shop and the live view side by side in the browser, on a local stack or on one on AWS.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCollector, NoCollector } from "../../demo/collector-check";
import { servePanes } from "../../demo/panes-server";
import { Pipeline } from "../../demo/pipeline";
import { ShopServer } from "../../demo/shop-server";
import { DeployError } from "../../local/deploy/program";
import { EmulatorError } from "../../local/emulator-process";
import { PortTaken } from "../../local/loopback";
import { BadSetting, checkedSettings, givenSettings } from "../../local/settings";
import type { LocalStack } from "../../local/stack";
import { NoSuchStack, stackConfiguration } from "../../stack/configuration";
import { aborted, Interrupted, onInterrupt } from "../../stack/interrupt";
import { Runs } from "../../stack/runs";
import { type CliTarget, openTarget } from "../../stack/target";
import type { DemoOptions } from "../arguments/types";
import { type Watch, watchEvents } from "../live/watch";
import { datesOf } from "../report/dates";
import { makeReport } from "../report/make";
import { bringUp } from "../view/bring-up";
import { Console } from "../view/console";
import { explainError } from "./query";

/** With a stack on AWS the shop always has the same origin, which the stack's configuration names. */
const SHOP_PORT = 8600;
/** So that a click is in the table soon. */
const QUICK_SECONDS = "1";

interface Running {
  shop: ShopServer;
  stack?: LocalStack;
  target?: CliTarget;
  watch?: Watch;
}

export async function main(options: DemoOptions): Promise<number> {
  const console = new Console(options.json ? process.stderr : process.stdout);
  const signal = onInterrupt();
  const shopPort = options["shop-port"] ?? (options.stack === undefined ? 0 : SHOP_PORT);
  const running: Running = { shop: new ShopServer(shopPort, "--shop-port") };
  let published = false;
  try {
    const urls = await start(running, options, console, signal);
    if (options.json) process.stdout.write(`${JSON.stringify(urls)}\n`);
    published = true;
    show(urls, console);
    if (process.stdout.isTTY && options["no-open"] !== true) openBrowser(urls.url);
    const crashed = running.stack?.crashed ?? aborted(undefined);
    await Promise.race([running.watch?.ended, crashed, aborted(signal)]);
    return 0;
  } catch (error) {
    console.end();
    if (signal.aborted) {
      console.line();
      console.line(running.stack ? "Stopping the stack." : "Ended.");
      // Ctrl+C is how a running demo ends, so it is no failure then.
      return published ? 0 : (signal.reason as Interrupted).exitCode;
    }
    const words = describe(error, running.target);
    if (words === undefined) throw error;
    process.stderr.write(`${words}\n`);
    if (options.json && !published) process.stdout.write(`${JSON.stringify({ error: words })}\n`);
    return 1;
  } finally {
    console.end();
    await end(running);
  }
}

interface Urls {
  /** The page with both panes. */
  url: string;
  shop: string;
  live: string;
  collector: string;
  target: string;
}

async function start(
  running: Running,
  options: DemoOptions,
  console: Console,
  signal: AbortSignal,
): Promise<Urls> {
  // First, as the stack's configuration has the shop's origin.
  const shopOrigin = await running.shop.listen();
  const target =
    options.stack === undefined
      ? await localTarget(running, options, shopOrigin, console, signal)
      : openTarget({ stack: options.stack });
  running.target = target;
  const { collectorUrl } = target.outputs;
  if (options.stack !== undefined) {
    const origins = originsOf(options.stack);
    await checkCollector({ stack: options.stack, collectorUrl, shopOrigin, origins });
  }
  const file = join(target.stateDir ?? mkdtempSync(join(tmpdir(), "clickstream-demo-")), "report.html");
  const pipeline = new Pipeline(target, signal, () => writeReport(target, file));
  const watch = await watchEvents({
    target,
    port: options.port ?? 0,
    signal,
    frames: [shopOrigin],
    onRecords: (records) => pipeline.arrived(records),
  });
  running.watch = watch;
  servePanes(watch.server.server, { shopOrigin, pipeline, source: watch.source, report: file });
  running.shop.open({ collectorUrl, writeKey: options["write-key"], frame: watch.origin });
  return {
    url: `${watch.origin}/demo`,
    shop: `${shopOrigin}/`,
    live: `${watch.origin}/`,
    collector: collectorUrl,
    target: target.name,
  };
}

/** Returns its address on the page's server. */
async function writeReport({ outputs, athena, name }: CliTarget, file: string): Promise<string> {
  const now = Date.now();
  await makeReport({ ...outputs, athena, name }, datesOf({}, now), file, now);
  return "report.html";
}

async function localTarget(
  running: Running,
  options: DemoOptions,
  shopOrigin: string,
  console: Console,
  signal: AbortSignal,
): Promise<CliTarget> {
  const given = givenSettings(options);
  const way = given.find(([name]) => name === "way")?.[1] ?? "stream";
  const quick = way === "stream" ? "batchWindowSeconds" : "firehoseBufferSeconds";
  const isGiven = given.some(([name]) => name === quick);
  const config = checkedSettings(isGiven ? given : [...given, [quick, QUICK_SECONDS]], {
    collector: true,
    collectorOrigins: [shopOrigin],
    ...(options["write-key"] === undefined ? {} : { collectorWriteKey: options["write-key"] }),
  });
  running.stack = await bringUp(console, signal, config);
  return openTarget({ run: running.stack.id });
}

/** 0 if the stack's file is not here: then a person sees which origins there are. */
function originsOf(stack: string): number {
  try {
    const { project, values } = stackConfiguration(stack);
    return (JSON.parse(values[`${project}:collectorOrigins`] ?? "[]") as unknown[]).length;
  } catch (error) {
    if (error instanceof NoSuchStack) return 0;
    throw error;
  }
}

function show({ url, shop, live, target }: Urls, console: Console): void {
  const { bold, dim } = console.colours;
  console.heading(`The demo on ${target}`);
  console.line(`  Shop and live view   ${bold(url)}`);
  console.line(`  Shop alone           ${shop}`);
  console.line(`  Live view alone      ${live}`);
  console.line(dim("  Only this machine can open them. Ctrl+C ends the demo."));
}

const OPENERS: Partial<Record<NodeJS.Platform, string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Where no browser opens, the address is on the screen. */
function openBrowser(url: string): void {
  const [program = "xdg-open", ...args] = OPENERS[process.platform] ?? [];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}

async function end({ shop, watch, stack }: Running): Promise<void> {
  await watch?.close();
  await shop.close();
  await stack?.stop({ keepState: false });
  if (stack) new Runs().remove(stack.id);
}

function describe(error: unknown, target: CliTarget | undefined): string | undefined {
  const kinds = [BadSetting, DeployError, EmulatorError, NoCollector, PortTaken, Interrupted];
  if (kinds.some((kind) => error instanceof kind)) return (error as Error).message;
  return explainError(error, target);
}
