// HTML as tagged templates, for the report and the demo shop. Each value is escaped, because pages, titles and
// campaigns are what anybody sent.

/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | undefined | readonly Part[];

export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.reduce((sum, text, place) => sum + markupOf(parts[place - 1]) + text));
}

function markupOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Markup) return part.text;
  return typeof part === "object" ? part.map(markupOf).join("") : escaped(String(part));
}

function escaped(text: string): string {
  return readable(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
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
