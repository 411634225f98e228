// A seeded source of random numbers (sfc32): small, fast, and the same on every machine.

export interface Random {
  /** A whole number of 32 bits, 0 or more. */
  bits(): number;
  /** From 0 up to, never, 1. */
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
  // Seeds that differ in one bit have to differ everywhere.
  for (let round = 0; round < 15; round += 1) bits();
  return { bits, unit: () => bits() / 0x1_0000_0000 };
}

/** Spreads two whole numbers over 32 bits: the same person has the same traits however often she returns. */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x85ebca6b, 0xc2b2ae35) ^ Math.imul(b ^ (b >>> 15), 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Picks by weight in one step: a table of slots, each option in as many of them as its weight says. */
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

  /** `unit` from 0 up to, never, 1. */
  pick(unit: number): Option {
    return this.slots[(unit * this.slots.length) | 0] as Option;
  }
}
