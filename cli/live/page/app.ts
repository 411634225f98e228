// The live view's page: follows the server's events, and shows numbers, the plot and the newest lines.
import type { Hello, Line, Lines, Source, Stats } from "../messages";
import { drawPlot } from "./plot";
import { bufferText, isBad, statusOf } from "./status";
import { delay, number, timeOfDay } from "./text";

/** Lines that the page keeps, and those of them that it shows. */
const KEPT = 2_000;
const SHOWN = 300;

function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

let lines: Line[] = [];
let skipped = 0;
let paused = false;
/** Lines that arrived during a pause. */
let held: Line[] = [];

const list = element("lines");
const filter = element<HTMLInputElement>("filter");
const detail = element<HTMLDialogElement>("detail");

function follow(): void {
  const stream = new EventSource("stream");
  const on = <Data>(name: string, take: (data: Data) => void) =>
    stream.addEventListener(name, (event) => take(JSON.parse((event as MessageEvent<string>).data) as Data));
  on<Hello>("hello", showSource);
  on<Lines>("lines", takeLines);
  on<Stats>("stats", showStats);
  on("reset", forget);
  stream.onerror = () => setStatus("the command has ended or cannot be reached", "bad");
}

/** The service that the arrival of an event is counted from. */
let service = "Kinesis";

function showSource({ target, source }: { target: string; source: Source }): void {
  if ("streamName" in source) {
    element("target").textContent = `${target}, stream ${source.streamName}`;
    return;
  }
  service = "Firehose";
  element("target").textContent = `${target}, delivery stream ${source.deliveryStreamName}`;
  element("buffer").textContent = bufferText(source.bufferSeconds);
  element("buffer").hidden = false;
}

function takeLines({ lines: arrived, skipped: left }: Lines): void {
  skipped += left;
  const known = new Set([...lines, ...held].map((line) => line.number));
  // A page that reconnects may get some lines again.
  const fresh = arrived.filter((line) => !known.has(line.number));
  if (paused) {
    held = [...held, ...fresh].slice(-KEPT);
    showNote();
    return;
  }
  add(fresh);
}

function add(fresh: Line[]): void {
  lines = [...lines, ...fresh].slice(-KEPT);
  for (const line of fresh) if (matches(line)) list.prepend(row(line, true));
  while (list.childElementCount > SHOWN) list.lastElementChild?.remove();
  showNote();
}

function redraw(): void {
  const shown = lines.filter(matches).slice(-SHOWN).reverse();
  list.replaceChildren(...shown.map((line) => row(line, false)));
  showNote();
}

function matches(line: Line): boolean {
  const box = document.querySelector<HTMLInputElement>(`#tools input[name="${line.verdict}"]`);
  if (box?.checked === false) return false;
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = [line.type, line.about, line.who, line.reason, line.verdict].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function row(line: Line, isFresh: boolean): HTMLElement {
  const item = document.createElement("li");
  item.className = isFresh ? `${line.verdict} fresh` : line.verdict;
  const button = document.createElement("button");
  button.type = "button";
  const cells: [string, string][] = [
    ["time", timeOfDay(line.seen)],
    ["verdict", line.verdict],
    ["type", line.type ?? line.reason ?? ""],
    ["about", line.reason !== undefined && line.type !== undefined ? line.reason : line.about],
    ["who", line.who],
    ["delay", line.time === undefined ? "" : delay(line.seen - line.time)],
  ];
  for (const [name, text] of cells) {
    const cell = document.createElement("span");
    cell.className = name;
    cell.textContent = text;
    cell.title = text;
    button.append(cell);
  }
  button.addEventListener("click", () => void open(line));
  item.append(button);
  return item;
}

async function open(line: Line): Promise<void> {
  element("detail-title").textContent = `Line ${number(line.number)}: ${line.type ?? line.reason ?? ""}`;
  element("detail-verdict").textContent = line.verdict;
  element("detail-json").textContent = "…";
  detail.showModal();
  const answer = await fetch(`lines/${line.number}`);
  const seen = (await answer.json()) as { detail?: string; error?: string };
  const words = [line.verdict, line.reason, seen.detail ?? seen.error].filter(Boolean);
  element("detail-verdict").textContent = words.join(" – ");
  element("detail-json").textContent = JSON.stringify(seen, null, 2);
}

function showStats(stats: Stats): void {
  const { accepted, quarantined, duplicate, total, rate, reasons, fromEvent, fromArrival, reader } = stats;
  const show = (id: string, text: string) => {
    element(id).textContent = text;
  };
  show("rate", rate >= 10 ? number(Math.round(rate)) : rate.toFixed(1));
  show("accepted", number(accepted));
  show("share", total === 0 ? "" : `${((100 * accepted) / total).toFixed(1)} % of ${number(total)}`);
  show("quarantined", number(quarantined));
  const text = Object.entries(reasons).map(([reason, count]) => `${number(count)} ${reason}`);
  show("reasons", text.join(", "));
  element("reasons").title = text.join(", ");
  show("duplicate", number(duplicate));
  show("from-event", fromEvent === undefined ? "–" : delay(fromEvent.median));
  show(
    "from-arrival",
    fromArrival === undefined ? "median" : `median; ${delay(fromArrival.median)} from ${service}`,
  );
  const slow =
    fromArrival === undefined ? "" : `95 % of the lines: ${delay(fromArrival.p95)} from ${service}`;
  element("from-arrival").title = slow;
  drawPlot(element("plot") as unknown as SVGSVGElement, element("plot-note"), stats.minutes);
  element("empty").hidden = total > 0;
  setStatus(statusOf(reader), isBad(reader) ? "bad" : "good");
}

function setStatus(text: string, kind: "good" | "bad"): void {
  const status = element("status");
  // A status that is written again is read aloud again.
  if (status.textContent !== text) status.textContent = text;
  status.className = `status ${kind}`;
}

function showNote(): void {
  const parts: string[] = [];
  if (paused) parts.push(`Paused. ${number(held.length)} new lines are waiting.`);
  if (skipped > 0) parts.push(`${number(skipped)} lines came too fast to be listed. The numbers have them.`);
  if (lines.length > 0 && list.childElementCount === 0) parts.push("No line matches the filter.");
  const text = parts.join(" ");
  const note = element("note");
  if (note.textContent !== text) note.textContent = text;
}

function forget(): void {
  lines = [];
  held = [];
  skipped = 0;
  redraw();
}

function setPaused(next: boolean): void {
  paused = next;
  const button = element("pause");
  button.setAttribute("aria-pressed", String(paused));
  button.textContent = paused ? "Resume" : "Pause";
  if (!paused) {
    const waiting = held;
    held = [];
    add(waiting);
  }
  showNote();
}

filter.addEventListener("input", redraw);
for (const box of document.querySelectorAll("#tools input[type=checkbox]")) {
  box.addEventListener("change", redraw);
}
element("tools").addEventListener("submit", (event) => event.preventDefault());
element("pause").addEventListener("click", () => setPaused(!paused));
element("reset").addEventListener("click", () => void fetch("reset", { method: "POST" }));
element("close").addEventListener("click", () => detail.close());
element("copy").addEventListener("click", () => {
  void navigator.clipboard.writeText(element("detail-json").textContent ?? "");
});
follow();
