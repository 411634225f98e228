// The simulated shop and its visitors, generated with Faker for a seed. Slow work is done before the first event.

import { faker as german } from "@faker-js/faker/locale/de";
import { faker as english } from "@faker-js/faker/locale/en";
import { faker as spanish } from "@faker-js/faker/locale/es";
import { faker as french } from "@faker-js/faker/locale/fr";
import type { ClickstreamEvent, Geo } from "../../schema/event";
import { makeRandom, mix, WeightedTable } from "../shared/random";
import { DEVICES, type Device, IPV6_SHARE, SECOND_DEVICE_SHARE, SECOND_DEVICE_USE } from "./behaviour";

export interface Product {
  path: string;
  /** The product fields of an event. */
  fields: Required<
    Pick<ClickstreamEvent, "product_id" | "product_name" | "product_category" | "product_price">
  >;
}

export interface World {
  /** All products, the most popular first. */
  catalogue: readonly Product[];
  categories: readonly string[];
  products: WeightedTable<Product>;
  productsOf: ReadonlyMap<string, WeightedTable<Product>>;
  person(index: number): Person;
}

/** Traits of a person that stay the same at each visit. */
export interface Person {
  email(): string;
  userId: string;
  geo: Required<Geo>;
  browser(unit: number): Browser;
}

/** A person's browser, with the id that the tracker stored in it. */
interface Browser {
  device: Device;
  anonymousId: string;
}

const PRODUCTS = 600;
const CITIES_A_COUNTRY = 40;
const NAMES = 400;
/** Small: keeping people longer costs more garbage collection than making them again. */
const REMEMBERED_PEOPLE = 256;
/** Zipf exponent: the first product is viewed about as often as the last two hundred together. */
const POPULARITY_EXPONENT = 0.9;

const COUNTRIES = [
  ["US", english, 40],
  ["DE", german, 25],
  ["FR", french, 20],
  ["ES", spanish, 15],
] as const;

export function makeWorld(seed: number): World {
  for (const [, faker] of COUNTRIES) faker.seed(seed);
  const products = makeProducts(seed);
  const categories = [...new Set(products.map(({ fields }) => fields.product_category))].sort();
  const popularity = products.map((product, rank) => [product, (rank + 1) ** -POPULARITY_EXPONENT] as const);
  return {
    catalogue: products,
    categories,
    products: new WeightedTable(popularity, 8192),
    productsOf: new Map(
      categories.map((name) => [
        name,
        new WeightedTable(popularity.filter(([{ fields }]) => fields.product_category === name)),
      ]),
    ),
    person: makePeople(seed),
  };
}

function makeProducts(seed: number): Product[] {
  const random = makeRandom(seed);
  return Array.from({ length: PRODUCTS }, (_, index) => {
    const id = `P-${String(index + 1).padStart(5, "0")}`;
    const name = english.commerce.productName();
    const category = english.commerce.department().replace(/[^ -~]/g, "");
    // Many cheap and few expensive products: prices are log-normal around 30, from 2 to 2,500.
    const normal = random.unit() + random.unit() + random.unit() + random.unit() - 2;
    const price = Math.round(Math.min(2500, Math.max(2, 30 * Math.exp(1.9 * normal)))) - 0.01;
    const fields = { product_id: id, product_name: name, product_category: category, product_price: price };
    return { path: `/product/${slug(name)}-${id.toLowerCase()}`, fields };
  });
}

function makePeople(seed: number): (index: number) => Person {
  const places = COUNTRIES.flatMap(([country, faker, weight]) =>
    // Real cities. The first ones in the list get the most visits.
    faker.helpers
      .arrayElements(faker.rawDefinitions.location?.city_name ?? [], CITIES_A_COUNTRY)
      .map((city, rank) => [{ country, city }, weight * zipfShare(rank, CITIES_A_COUNTRY)] as const),
  );
  const placeTable = new WeightedTable(places);
  const deviceTable = new WeightedTable(DEVICES);
  const firstNames = Array.from({ length: NAMES }, () => slug(english.person.firstName()));
  const lastNames = Array.from({ length: NAMES }, () => slug(english.person.lastName()));
  const personSeed = mix(seed | 0, 0x5eed);

  const person = (index: number): Person => {
    const trait = (number: number): number => mix(personSeed + number, index) / 0x1_0000_0000;
    const ip = address(trait(1), trait(2));
    const first = { device: deviceTable.pick(trait(4)), anonymousId: anonymousId(personSeed, index, 1) };
    const second =
      trait(5) < SECOND_DEVICE_SHARE
        ? { device: deviceTable.pick(trait(6)), anonymousId: anonymousId(personSeed, index, 2) }
        : first;
    return {
      // Made on demand, because few events have an e-mail address.
      email: () => {
        const firstName = firstNames[(trait(7) * NAMES) | 0];
        const lastName = lastNames[(trait(8) * NAMES) | 0];
        return `${firstName}.${lastName}${index + 1}@example.com`;
      },
      userId: `user-${String(index + 1).padStart(6, "0")}`,
      geo: { ip, ...placeTable.pick(trait(3)) },
      browser: (unit) => (unit < SECOND_DEVICE_USE ? second : first),
    };
  };
  return remembering(person);
}

/** The id is the same at each visit of the person with this browser, signed in or not. */
function anonymousId(seed: number, person: number, browser: number): string {
  const half = (salt: number) => (mix(seed + salt, person) >>> 0).toString(16).padStart(8, "0");
  return `a-${half(10 * browser)}${half(10 * browser + 1)}`;
}

/** A fixed-size cache of recent people. Memory use is constant, and frequent visitors are made only once. */
function remembering(person: (index: number) => Person): (index: number) => Person {
  const people: (Person | undefined)[] = new Array(REMEMBERED_PEOPLE).fill(undefined);
  const indexes = new Float64Array(REMEMBERED_PEOPLE).fill(-1);
  return (index) => {
    const place = index % REMEMBERED_PEOPLE;
    const known = people[place];
    if (known !== undefined && indexes[place] === index) return known;
    const made = person(index);
    people[place] = made;
    indexes[place] = index;
    return made;
  };
}

function zipfShare(rank: number, count: number): number {
  let total = 0;
  for (let each = 1; each <= count; each += 1) total += 1 / each;
  return 1 / (rank + 1) / total;
}

/** From address blocks reserved for tests and documentation, so that no real address is used. */
function address(kind: number, host: number): string {
  const bits = (host * 0x1_0000_0000) >>> 0;
  if (kind < IPV6_SHARE) {
    return `2001:db8:${(bits >>> 16).toString(16)}:${(bits & 0xffff).toString(16)}::${((bits % 253) + 2).toString(16)}`;
  }
  return `198.${18 + (bits & 1)}.${(bits >>> 8) & 0xff}.${((bits >>> 16) % 254) + 1}`;
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
