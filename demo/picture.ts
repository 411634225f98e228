// A picture for each product, drawn from its id: no photo and no address of another site is needed.
import { createHash } from "node:crypto";

const SIZE = 240;

export function picture(productId: string, category: string): string {
  const bytes = createHash("sha256").update(productId).digest();
  const hue = Math.round((createHash("sha256").update(category).digest()[0] as number) * 1.41);
  const at = (index: number) => (bytes[index] as number) / 255;
  const shapes = Array.from({ length: 4 }, (_, index) => {
    const [x, y, size] = [at(4 * index) * SIZE, at(4 * index + 1) * SIZE, 40 + at(4 * index + 2) * 90];
    const colour = `hsl(${(hue + at(4 * index + 3) * 50) % 360} 55% ${45 + index * 9}%)`;
    return index % 2 === 0
      ? `<circle cx="${x.toFixed()}" cy="${y.toFixed()}" r="${(size / 1.6).toFixed()}" fill="${colour}" opacity="0.8"/>`
      : `<rect x="${(x - size / 2).toFixed()}" y="${(y - size / 2).toFixed()}" width="${size.toFixed()}" height="${size.toFixed()}" rx="14" fill="${colour}" opacity="0.8" transform="rotate(${(at(index) * 90).toFixed()} ${x.toFixed()} ${y.toFixed()})"/>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}">` +
    `<rect width="${SIZE}" height="${SIZE}" fill="hsl(${hue} 45% 86%)"/>${shapes.join("")}</svg>\n`
  );
}
