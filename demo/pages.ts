// The pages of the demo shop. Each is a page of its own, as in most shops; the cart is in the browser.
import { html, type Markup } from "../cli/report/markup";
import type { Product } from "../lambdas/simulator/world";
import { type Catalogue, type Category, catalogue } from "./catalogue";
import { TRACKERS, type Tracker, trackerNamed } from "./trackers";

const SHOP = "Example Shop";

export interface Setting {
  tracker: Tracker;
  /** Undefined while the stack is not ready. */
  collectorUrl: string;
  writeKey: string;
}

interface Page {
  title: string;
  /** What the script does on it. */
  kind: "home" | "category" | "product" | "cart" | "checkout" | "thanks" | "missing";
  body: Markup;
}

/** Undefined if there is no such page. */
export function pageAt(path: string): Page | undefined {
  const shop = catalogue();
  if (path === "/") return home(shop);
  if (path === "/cart") return CART;
  if (path === "/checkout") return CHECKOUT;
  if (path === "/checkout/thank-you") return THANKS;
  const category = shop.categoryAt(path);
  if (category !== undefined) return categoryPage(category);
  const product = shop.productAt(path);
  return product && productPage(product, shop);
}

export const MISSING: Page = {
  title: "Not found",
  kind: "missing",
  body: html`<h1>Not found</h1><p>There is no such page. <a href="/">Back to the shop</a></p>`,
};

export function render({ title, kind, body }: Page, setting: Setting): string {
  const { tracker, collectorUrl, writeKey } = setting;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} | ${SHOP}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<script src="/shop-${tracker.name}.js" defer></script>
${tracker.name === "clickstream" ? ownScript(collectorUrl, writeKey) : ""}</head>
<body data-kind="${kind}" data-collector="${collectorUrl}" data-write-key="${writeKey}">
<a class="skip" href="#main">To the content</a>
<header class="top">
<a class="brand" href="/">${SHOP}</a>
<form action="/tracker" method="get" id="trackers">
<label>Tracker
<select name="name">
${TRACKERS.map(({ name, title }) => html`<option value="${name}"${name === tracker.name ? html` selected` : ""}>${title}</option>`)}
</select></label>
<noscript><button>Use</button></noscript>
</form>
<nav aria-label="Shop">
<button type="button" id="sign-in">Sign in</button>
<a href="/cart" class="cart">Cart <span id="cart-count" aria-live="polite">0</span></a>
</nav>
</header>
<main id="main">
${body}
</main>
<footer>
<p>A shop for trying the tracker: nothing is sold. Its events go to <span class="url">${collectorUrl}</span></p>
</footer>
</body>
</html>
`.text;
}

/** The element that docs/tracker.md gives a site, with a shorter wait: a click is to be seen at once. */
function ownScript(collectorUrl: string, writeKey: string): Markup {
  const key = writeKey === "" ? "" : html` data-write-key="${writeKey}"`;
  return html`<script src="${collectorUrl}/clickstream.js" data-endpoint="${collectorUrl}" data-batch-ms="100"${key} defer></script>
`;
}

/** The tracker that the browser's cookie names, otherwise the first. */
export function trackerOf(cookie: string | undefined): Tracker {
  return trackerNamed(/(?:^|;\s*)shop-tracker=([a-z]+)/.exec(cookie ?? "")?.[1]) ?? TRACKERS[0];
}

function home({ categories, popular }: Catalogue): Page {
  return {
    title: "Home",
    kind: "home",
    body: html`<section class="hero"><h1>Things you did not know you needed</h1>
<p>Click around. Each click is an event in the live view.</p></section>
<h2>Categories</h2>
<ul class="categories">
${categories.map(({ name, path }) => html`<li><a href="${path}">${name}</a></li>`)}
</ul>
<h2>Popular</h2>
${cards(popular)}`,
  };
}

function categoryPage({ name, products }: Category): Page {
  return {
    title: name,
    kind: "category",
    body: html`${trail()}<h1>${name}</h1>
${cards(products)}`,
  };
}

function productPage(product: Product, { categories, like }: Catalogue): Page {
  const { product_id, product_name, product_category, product_price } = product.fields;
  const category = categories.find(({ name }) => name === product_category);
  return {
    title: product_name,
    kind: "product",
    body: html`${trail(category)}<article class="product" id="product" data-product="${JSON.stringify(product.fields)}">
<img src="/picture/${product_id}.svg" alt="" width="240" height="240">
<div>
<h1>${product_name}</h1>
<p class="price">${price(product_price)}</p>
<p class="muted">${product_id}, in stock</p>
<label>Quantity <input id="quantity" type="number" min="1" max="9" value="1"></label>
<p><button type="button" id="add" class="main">Add to cart</button> <a href="/cart">To the cart</a></p>
<p id="added" role="status"></p>
</div>
</article>
<h2>More ${product_category}</h2>
${cards(like(product))}`,
  };
}

function cards(products: readonly Product[]): Markup {
  return html`<ul class="cards">
${products.map(
  ({ path, fields: { product_id, product_name, product_price } }) =>
    html`<li><a href="${path}"><img src="/picture/${product_id}.svg" alt="" width="240" height="240" loading="lazy"><span class="name">${product_name}</span> <span class="price">${price(product_price)}</span></a></li>`,
)}
</ul>`;
}

function trail(category?: Category): Markup {
  const link = category && html` › <a href="${category.path}">${category.name}</a>`;
  return html`<p class="trail"><a href="/">Home</a>${link}</p>`;
}

function price(value: number): string {
  return `$${value.toFixed(2)}`;
}

const CART: Page = {
  title: "Cart",
  kind: "cart",
  body: html`<h1>Cart</h1>
<div id="cart"></div>
<p class="total">Total <strong id="total">$0.00</strong></p>
<p><a class="main" id="to-checkout" href="/checkout">Check out</a></p>`,
};

const CHECKOUT: Page = {
  title: "Checkout",
  kind: "checkout",
  body: html`<h1>Checkout</h1>
<form id="order" class="order">
<p>To pay: <strong id="total">$0.00</strong>. This shop asks for no address and no card.</p>
<fieldset><legend>Payment</legend>
<label><input type="radio" name="payment" value="card" checked> Card</label>
<label><input type="radio" name="payment" value="invoice"> Invoice</label>
<label><input type="radio" name="payment" value="gift_card"> Gift card</label>
</fieldset>
<button class="main">Place the order</button>
</form>`,
};

const THANKS: Page = {
  title: "Thank you",
  kind: "thanks",
  body: html`<h1>Thank you</h1>
<p id="thanks">Your order is on its way to nowhere.</p>
<p><a href="/">Back to the shop</a></p>`,
};
