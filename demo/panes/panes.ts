// The demo's page: shop and live view, and the button that runs the pipeline.
import type { DemoFacts } from "../panes-server";
import type { Shown } from "../pipeline";

const POLL_MS = 500;

function element<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}

const run = element<HTMLButtonElement>("run");

async function follow(): Promise<void> {
  run.disabled = true;
  element("execution").hidden = false;
  for (;;) {
    const shown = (await (await fetch("execution")).json()) as Shown;
    show(shown);
    if (shown.status !== "RUNNING") break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  run.disabled = false;
}

function show({ title, status, states, result, rows, report }: Shown): void {
  const heading = element("execution-title");
  if (heading.textContent !== title) heading.textContent = title;
  element("states").replaceChildren(
    ...states.map(({ name, words, phase, seconds }) => {
      const item = document.createElement("li");
      item.className = phase;
      item.textContent = seconds === undefined ? words : `${name} ${seconds.toFixed(1)} s`;
      item.title = words;
      return item;
    }),
  );
  element("result").textContent = result ?? "";
  element("report").hidden = report === undefined;
  if (report !== undefined) element<HTMLAnchorElement>("report-link").href = report;
  element("rows").replaceChildren(...(rows === undefined || status === "RUNNING" ? [] : [table(rows)]));
}

function table({ title, columns, rows }: NonNullable<Shown["rows"]>): HTMLTableElement {
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  const head = made.createTHead().insertRow();
  for (const name of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = made.createTBody();
  for (const values of rows) {
    const row = body.insertRow();
    for (const value of values) row.insertCell().textContent = value === null ? "" : String(value);
  }
  return made;
}

async function begin(): Promise<void> {
  run.disabled = true;
  const answer = await fetch("execution", { method: "POST" });
  if (answer.ok) await follow();
  else run.disabled = false;
}

run.addEventListener("click", () => void begin());
element("hide").addEventListener("click", () => {
  element("execution").hidden = true;
});

async function open(): Promise<void> {
  const { shop, running, source } = (await (await fetch("demo.json")).json()) as DemoFacts;
  if ("bufferSeconds" in source) {
    element("about").textContent =
      `Each click in the shop is a line in the live view when Firehose has written it to S3, after up to ${source.bufferSeconds} s. ` +
      "The pipeline makes rows of the lines that are there.";
  }
  element<HTMLIFrameElement>("shop").src = shop;
  if (running) await follow();
}

void open();
