// A seeded random number generator (sfc32): small, fast, and the same on every machine.

export interface Random {
  /** An unsigned 32-bit integer. */
  bits(): number;
  /** From 0 (included) to 1 (excluded). */
  unit(): number;
}

/** The seed may be any safe integer. */
export function makeRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  // Mixes the state, so that seeds that differ in one bit give unrelated sequences.
  for (let round = 0; round < 15; round += 1) bits();
  return { bits, unit: () => bits() / 0x1_0000_0000 };
}

/** Hashes two integers to 32 bits. The same person then has the same traits at each visit. */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x85ebca6b, 0xc2b2ae35) ^ Math.imul(b ^ (b >>> 15), 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Picks an option by weight in constant time. Each option fills a number of slots in proportion to its weight. */
export class WeightedTable<Option> {
  private readonly slots: Option[] = [];

  constructor(options: readonly (readonly [Option, number])[], slots = 4096) {
    const total = options.reduce((sum, [, weight]) => sum + weight, 0);
    let cumulated = 0;
    for (const [option, weight] of options) {
      cumulated += weight;
      const end = Math.round((cumulated / total) * slots);
      while (this.slots.length < end) this.slots.push(option);
    }
  }

  /** `unit` is from 0 (included) to 1 (excluded). */
  pick(unit: number): Option {
    return this.slots[(unit * this.slots.length) | 0] as Option;
  }
}
