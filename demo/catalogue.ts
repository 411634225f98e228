// The shop's products: those of the simulated traffic, so that both are the same shop.
import { makeWorld, type Product } from "../lambdas/simulator/world";

/** The seed of `npm start`. */
const SEED = 7;
const PRODUCTS_SHOWN = 24;

export interface Category {
  name: string;
  path: string;
  /** The most popular ones. */
  products: readonly Product[];
}

export interface Catalogue {
  popular: readonly Product[];
  categories: readonly Category[];
  productAt(path: string): Product | undefined;
  productWith(id: string): Product | undefined;
  categoryAt(path: string): Category | undefined;
  /** Others of its category. */
  like(product: Product): readonly Product[];
}

let made: Catalogue | undefined;

/** Made once: it takes some tenths of a second. */
export function catalogue(): Catalogue {
  made ??= makeCatalogue();
  return made;
}

function makeCatalogue(): Catalogue {
  const { catalogue: products, categories } = makeWorld(SEED);
  const ofCategory = (name: string) => products.filter(({ fields }) => fields.product_category === name);
  const listed = categories.map((name) => ({
    name,
    path: `/category/${name.toLowerCase()}`,
    products: ofCategory(name).slice(0, PRODUCTS_SHOWN),
  }));
  const byPath = new Map(products.map((product) => [product.path, product]));
  const byId = new Map(products.map((product) => [product.fields.product_id, product]));
  return {
    popular: products.slice(0, 12),
    categories: listed,
    productAt: (path) => byPath.get(path),
    productWith: (id) => byId.get(id),
    categoryAt: (path) => listed.find((category) => category.path === path),
    like: (product) =>
      ofCategory(product.fields.product_category)
        .filter((other) => other !== product)
        .slice(0, 4),
  };
}
