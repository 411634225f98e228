// HTML as tagged templates. Each value is escaped, because pages, titles and campaigns are what anybody sent.

/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | readonly Markup[] | undefined;

export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.reduce((sum, text, place) => sum + markupOf(parts[place - 1]) + text));
}

function markupOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Markup) return part.text;
  return typeof part === "object" ? part.map(({ text }) => text).join("") : escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return readable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** Without control characters and halves of surrogate pairs, which no document may have. */
export function readable(text: string): string {
  return text.replace(/\p{Cs}|[^\P{Cc}\n\t]/gu, "\ufffd");
}

/** At most so many characters; the rest is an ellipsis. */
export function shortened(text: string, length: number): string {
  const characters = [...readable(text)];
  return characters.length <= length ? characters.join("") : `${characters.slice(0, length - 1).join("")}…`;
}
